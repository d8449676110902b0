// SPDX-License-Identifier: GPL-2.0
#include "mann_whitney.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace xenmm
{

namespace
{

constexpr size_t kMostExact = 20;

// How often a value of `a` is above one of `b`; a tie is half.
double statistic(const std::vector<double> &a, const std::vector<double> &b)
{
	double u = 0;
	for (double one : a)
		for (double other : b)
			u += one > other ? 1 : one == other ? 0.5 : 0;
	return u;
}

// In how many orders of n and m values U is 0, 1 ... n * m: by the rank of the greatest value,
// which is of the one sample (then it is above all m of the other) or of the other.
std::vector<double> orders(size_t n, size_t m)
{
	std::vector<std::vector<std::vector<double>>> count(
		n + 1, std::vector<std::vector<double>>(m + 1));
	for (size_t i = 0; i <= n; i++)
		for (size_t j = 0; j <= m; j++) {
			std::vector<double> &here = count[i][j];
			here.assign(i * j + 1, i && j ? 0 : 1);
			if (!i || !j)
				continue;
			for (size_t u = 0; u < count[i - 1][j].size(); u++)
				here[u + j] += count[i - 1][j][u];
			for (size_t u = 0; u < count[i][j - 1].size(); u++)
				here[u] += count[i][j - 1][u];
		}
	return count[n][m];
}

double exact_p(double u, size_t n, size_t m)
{
	std::vector<double> all = orders(n, m);
	double total = std::accumulate(all.begin(), all.end(), 0.0);
	auto least = static_cast<size_t>(std::min(u, static_cast<double>(n * m) - u));
	double tail = std::accumulate(all.begin(), all.begin() + static_cast<long>(least) + 1, 0.0);
	return std::min(1.0, 2 * tail / total);
}

// Of t values that are equal: t^3 - t, summed.
double ties(const std::vector<double> &a, const std::vector<double> &b)
{
	std::vector<double> all(a);
	all.insert(all.end(), b.begin(), b.end());
	std::sort(all.begin(), all.end());
	double sum = 0;
	for (auto from = all.begin(); from != all.end();) {
		auto to = std::upper_bound(from, all.end(), *from);
		auto t = static_cast<double>(to - from);
		sum += t * t * t - t;
		from = to;
	}
	return sum;
}

double normal_p(double u, double n, double m, double ties)
{
	double all = n + m;
	double variance = n * m / 12 * (all + 1 - ties / (all * (all - 1)));
	if (variance <= 0)
		return 1;
	double z = std::max(std::abs(u - n * m / 2) - 0.5, 0.0) / std::sqrt(variance);
	return std::erfc(z / std::sqrt(2.0));
}

} // namespace

double mann_whitney(const std::vector<double> &a, const std::vector<double> &b)
{
	if (a.empty() || b.empty())
		return 1;
	double u = statistic(a, b), equal = ties(a, b);
	if (equal == 0 && std::max(a.size(), b.size()) <= kMostExact)
		return exact_p(u, a.size(), b.size());
	return normal_p(u, static_cast<double>(a.size()), static_cast<double>(b.size()), equal);
}

double least_p(size_t a, size_t b)
{
	std::vector<double> low(a), high(b);
	std::iota(low.begin(), low.end(), 0.0);
	std::iota(high.begin(), high.end(), static_cast<double>(a));
	return mann_whitney(low, high);
}

} // namespace xenmm

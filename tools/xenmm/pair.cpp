// SPDX-License-Identifier: GPL-2.0
#include "pair.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <tuple>

#include "error.hpp"
#include "mann_whitney.hpp"
#include "table.hpp"

namespace xenmm
{

namespace
{

using Json = nlohmann::ordered_json;

// What makes two results ones of the same work. Guests may differ: that is a comparison, too.
auto key(const Record &record)
{
	const std::optional<Way> &way = record.job.way;
	return std::make_tuple(record.job.workload, way ? static_cast<int>(way->method) : -1,
			       way ? way->batch : 0, record.job.pages, record.job.density,
			       record.setting.unit);
}

std::string name_of(const Job &job)
{
	std::string density = job.density ? fmt::format(", {} of 512", *job.density) : "";
	return work_name(job.workload, job.way) + density;
}

std::vector<Record> read_once(const std::string &path)
{
	std::vector<Record> records = read_results(path);
	for (size_t i = 0; i < records.size(); i++)
		for (size_t j = 0; j < i; j++)
			if (key(records[i]) == key(records[j]))
				throw Failure(
					ExitCode::kFailed,
					fmt::format("{} has two results of {}: compare files of "
						    "one guest each, or use 'xenmm report'",
						    path, name_of(records[i].job)));
	return records;
}

Change change_by(const Record &a, const Record &b, double p, double alpha)
{
	if (least_p(a.each.size(), b.each.size()) >= alpha)
		return Change::kTooFewRuns;
	if (p >= alpha)
		return Change::kSame;
	return b.median < a.median ? Change::kFaster : Change::kSlower;
}

PairRow row_of(const Record &a, const Record &b, double alpha)
{
	double ratio = a.median > 0 ? b.median / a.median : 0;
	if (a.each.empty() || b.each.empty())
		return {a, b, ratio, std::nullopt, Change::kTooFewRuns};
	double p = mann_whitney(a.each, b.each);
	return {a, b, ratio, p, change_by(a, b, p, alpha)};
}

std::string only_text(const std::string &file, const std::vector<Record> &records)
{
	std::string text;
	for (const Record &record : records)
		text += fmt::format("only in {}: {}, {} pages\n", file, name_of(record.job),
				    record.job.touched());
	return text;
}

std::string side(const std::string &file, const Pair &pair, const Record PairRow::*record)
{
	if (pair.rows.empty())
		return file;
	const Setting &setting = (pair.rows.front().*record).setting;
	return fmt::format("{} ({}, Linux {})", file, setting.guest, setting.environment.kernel);
}

Json record_json(const Record &record)
{
	return {{"guest", record.setting.guest}, {"median", record.median}, {"each", record.each}};
}

Json job_json(const Record &record)
{
	const Job &job = record.job;
	return {{"workload", job.workload},
		{"method", job.way ? Json(method_name(job.way->method)) : Json()},
		{"batch", job.way && job.way->batch ? Json(job.way->batch) : Json()},
		{"pages", job.touched()},
		{"density", json_or_null(job.density)},
		{"unit", unit_name(record.setting.unit)}};
}

Json only_json(const std::vector<Record> &records)
{
	Json list = Json::array();
	for (const Record &record : records)
		list.push_back(job_json(record));
	return list;
}

} // namespace

std::string change_name(Change change)
{
	switch (change) {
	case Change::kSame:
		return "same";
	case Change::kFaster:
		return "faster";
	case Change::kSlower:
		return "slower";
	case Change::kTooFewRuns:
		return "too few runs";
	}
	return "";
}

std::string PairRow::name() const
{
	return name_of(a.job);
}

Pair read_pair(const std::string &a, const std::string &b, double alpha)
{
	Pair pair = {a, b, alpha, {}, {}, {}};
	std::vector<Record> first = read_once(a), second = read_once(b);
	for (const Record &record : first) {
		auto same = std::find_if(second.begin(), second.end(), [&](const Record &other) {
			return key(other) == key(record);
		});
		if (same == second.end()) {
			pair.only_a.push_back(record);
			continue;
		}
		pair.rows.push_back(row_of(record, *same, alpha));
		second.erase(same);
	}
	pair.only_b = std::move(second);
	return pair;
}

std::string pair_table(const Pair &pair)
{
	Table table({{"workload", Align::kLeft},
		     {"pages", Align::kRight},
		     {"A", Align::kRight},
		     {"B", Align::kRight},
		     {"B / A", Align::kRight},
		     {"p", Align::kRight},
		     {"B is", Align::kLeft}});
	for (const PairRow &row : pair.rows)
		table.row({row.name(), grouped(row.a.job.touched()), figure(row.a.median),
			   figure(row.b.median), fmt::format("{:.3f}", row.ratio),
			   row.p ? fmt::format("{:.4f}", *row.p) : "n/a", change_name(row.change)});
	std::string unit =
		pair.rows.empty() ? "" : std::string(unit_name(pair.rows.front().a.setting.unit));
	return fmt::format("A: {}\nB: {}\n\n", side(pair.a, pair, &PairRow::a),
			   side(pair.b, pair, &PairRow::b)) +
	       table.text() +
	       fmt::format("median {} per page; p by Mann and Whitney, faster or slower below {}\n",
			   unit, pair.alpha) +
	       only_text(pair.a, pair.only_a) + only_text(pair.b, pair.only_b);
}

std::string pair_csv(const Pair &pair)
{
	std::string text = "workload,method,batch,pages,density,unit,a,b,ratio,p,change\n";
	for (const PairRow &row : pair.rows) {
		const Job &job = row.a.job;
		text += fmt::format("{},{},{},{},{},{},{},{},{:.6f},{},{}\n", job.workload,
				    job.way ? method_name(job.way->method) : "",
				    job.way && job.way->batch ? std::to_string(job.way->batch) : "",
				    job.touched(), job.density ? std::to_string(*job.density) : "",
				    unit_name(row.a.setting.unit), row.a.median, row.b.median,
				    row.ratio, row.p ? fmt::format("{:.6f}", *row.p) : "",
				    change_name(row.change));
	}
	return text;
}

Json pair_json(const Pair &pair)
{
	Json rows = Json::array();
	for (const PairRow &row : pair.rows) {
		Json one = job_json(row.a);
		one["a"] = record_json(row.a);
		one["b"] = record_json(row.b);
		one["ratio"] = row.ratio;
		one["p"] = json_or_null(row.p);
		one["change"] = change_name(row.change);
		rows.push_back(std::move(one));
	}
	Json json = json_heading();
	json["a"] = pair.a;
	json["b"] = pair.b;
	json["alpha"] = pair.alpha;
	json["rows"] = std::move(rows);
	json["only_a"] = only_json(pair.only_a);
	json["only_b"] = only_json(pair.only_b);
	return json;
}

} // namespace xenmm

// SPDX-License-Identifier: GPL-2.0
// Results of several kinds of guests, side by side: what `bench --json` and `processes
// --json` wrote in each of them, looked up by system and workload.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "method.hpp"
#include "misses.hpp"

namespace xenmm
{

// A column of the comparison.
struct System {
	std::string guest; // of guest_kinds()
	bool xpti;

	std::string name() const; // "xen-pv", "xen-pv + XPTI"
	bool is_pv() const { return guest.starts_with("xen-pv") && !is_pvh(); }
	bool is_pvh() const { return guest.starts_with("xen-pvh"); }
	bool is_kvm() const { return guest.starts_with("kvm"); }
	size_t colour() const; // its place among all kinds
	bool is_shadow() const { return guest.ends_with("-shadow"); }
	bool operator==(const System &) const = default;
};

struct Walk {
	std::optional<std::string> guest_leaf, vmm_leaf; // "4k", "2m", "1g"
	std::optional<unsigned> references;		 // of tables, for a miss of the TLB
	unsigned references_max;
};

// A row of `bench`.
struct Measured {
	System system;
	std::string workload;
	std::optional<Way> way;
	uint64_t pages;
	std::string unit;
	double median;
	std::optional<nlohmann::json> counters;	  // xenmm's
	std::optional<nlohmann::json> hypervisor; // the hypervisor's
	std::optional<Walk> walk;
	std::optional<Misses> misses;
	nlohmann::json environment;
};

// A row of `processes`.
struct Memory {
	System system;
	unsigned processes;
	unsigned tables; // of each process
	uint64_t guest_kib;
	std::optional<nlohmann::json> hypervisor;
};

class Comparison
{
public:
	// Failure kFailed when a file is not what bench or processes write.
	static Comparison read(const std::vector<std::string> &files);

	// Those that have a result, bare first.
	const std::vector<System> &systems() const { return systems_; }
	const std::vector<Measured> &measured() const { return measured_; }
	const std::vector<Memory> &memory() const { return memory_; }
	// Null where it was not measured; counted in instructions where that was done, else by
	// time.
	const Measured *find(const System &system, const std::string &workload,
			     const std::optional<Way> &way = std::nullopt) const;
	// With the hypervisor's own counts; null likewise.
	const Measured *find_counted(const System &system, const std::string &workload,
				     const std::optional<Way> &way) const;
	const Memory *find_memory(const System &system, unsigned processes) const;
	// All that the files had, in one: {schema_version, ..., results, memory}.
	nlohmann::ordered_json merged() const;

private:
	void add_file(const std::string &path);
	void sort_systems();

	std::vector<System> systems_;
	std::vector<Measured> measured_;
	std::vector<Memory> memory_;
	nlohmann::ordered_json results_json_ = nlohmann::ordered_json::array();
	nlohmann::ordered_json memory_json_ = nlohmann::ordered_json::array();
};

} // namespace xenmm

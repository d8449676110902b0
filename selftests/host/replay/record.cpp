// SPDX-License-Identifier: GPL-2.0
// Plays all scripts on FakeXen, each from the same beginning, and prints them with its
// answers as C for kunit/replay_kunit.c.
#include <inttypes.h>
#include <stdio.h>

#include "fake_player.hpp"

using namespace xenmm::test;

namespace
{

constexpr uint64_t kSeed = 1;
constexpr unsigned kRandomScripts = 120, kRandomSteps = 50;

Scripts all_scripts()
{
	Scripts all;
	for (const Scripts &some : {entry_scripts(), group_scripts(), table_scripts(),
				    random_scripts(kSeed, kRandomScripts, kRandomSteps)})
		all.insert(all.end(), some.begin(), some.end());
	return all;
}

void print_row(const xenmm_row &row)
{
	const xenmm_step &step = row.step;
	const xenmm_answer &answer = row.answer;
	printf("\t{{%u, %u, %u, %u, %u, %u, %#" PRIx64 "}, {%d, %u, %#" PRIx64 ", %#" PRIx64
	       "}},\n",
	       step.act, step.link, step.target, step.frame, step.command, step.slot, step.flags,
	       answer.result, answer.done, answer.entry, answer.digest);
}

struct Recorded {
	std::string name;
	size_t nr_rows;
	Watched last;
};

// false when the script is not one that can be compared.
bool record(const Script &script, size_t number, std::vector<Recorded> &recorded)
{
	FakePlayer player;
	std::vector<xenmm_row> rows = player.play(script.steps);
	if (std::string trouble = player.trouble(); !trouble.empty()) {
		fprintf(stderr, "record: %s: %s\n", script.name.c_str(), trouble.c_str());
		return false;
	}
	printf("static const struct xenmm_row rows_%zu[] = {\n", number);
	for (const xenmm_row &row : rows)
		print_row(row);
	printf("};\n");
	recorded.push_back({script.name, rows.size(), player.watched()});
	return true;
}

void print_sequences(const std::vector<Recorded> &recorded)
{
	printf("static const struct xenmm_sequence xenmm_sequences[] = {\n");
	for (size_t i = 0; i < recorded.size(); i++) {
		printf("\t{\"%s\", rows_%zu, %zu, {", recorded[i].name.c_str(), i,
		       recorded[i].nr_rows);
		for (xenmm_u64 entry : recorded[i].last)
			printf("%#" PRIx64 ", ", static_cast<uint64_t>(entry));
		printf("}},\n");
	}
	printf("};\n");
}

} // namespace

int main()
{
	std::vector<Recorded> recorded;
	printf("// SPDX-License-Identifier: GPL-2.0\n"
	       "/* Made by selftests/host/replay: what FakeXen answers. */\n"
	       "#include \"replay.h\"\n\n");
	Scripts scripts = all_scripts();
	for (size_t i = 0; i < scripts.size(); i++)
		if (!record(scripts[i], i, recorded))
			return 1;
	print_sequences(recorded);
	return 0;
}

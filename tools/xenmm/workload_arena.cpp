// SPDX-License-Identifier: GPL-2.0
// What page-table work costs on an arena, by any method: each measured step is one
// ioctl on the whole arena, or on a part of each table. A recipe says what stands before it and
// what must be true after it.
//
// Recipes map explicitly after changing protection: where no hypervisor owns the
// tables, taking rights away empties entries, and an empty entry costs nothing.
#include "workload.hpp"

#include "scene.hpp"

namespace xenmm
{

namespace
{

using Step = void (*)(const Scene &scene);

struct Recipe {
	const char *name;
	unsigned long request; // 0: no ioctl, the pages are touched instead
	uint32_t prot;
	bool has_density;
	Step prepare; // before each run
	Step check;   // after each run
};

void fill(const Scene &scene)
{
	scene.populate();
	scene.stamp();
}

template <uint32_t prot>
void protect_and_map(const Scene &scene)
{
	scene.protect(prot);
	scene.map();
}

template <bool writable>
void check_protection(const Scene &scene)
{
	scene.check_stamped(Entries::kUnknown);
	scene.check_writable(writable);
}

constexpr Recipe kRecipes[] = {
	{"arena-touch", 0, 0, false, [](const Scene &scene) { scene.discard(); },
	 [](const Scene &scene) { scene.check_touched(); }},

	{"arena-map", XENMM_IOC_MAP, 0, true, [](const Scene &scene) { scene.unmap(); },
	 [](const Scene &scene) { scene.check_stamped(Entries::kPresent); }},

	{"arena-unmap", XENMM_IOC_UNMAP, 0, true,
	 [](const Scene &scene) {
		 scene.unmap();
		 scene.map();
	 },
	 [](const Scene &scene) { scene.check_stamped(Entries::kEmpty); }},

	// To let go of a page is dearer for Xen where it could be written.
	{"arena-unmap-ro", XENMM_IOC_UNMAP, 0, true,
	 [](const Scene &scene) {
		 scene.protect(XENMM_PROT_READ);
		 scene.unmap();
		 scene.map();
	 },
	 [](const Scene &scene) { scene.check_stamped(Entries::kEmpty); }},

	{"arena-protect", XENMM_IOC_PROTECT, XENMM_PROT_READ_WRITE, true,
	 protect_and_map<XENMM_PROT_READ>, check_protection<true>},

	{"arena-protect-ro", XENMM_IOC_PROTECT, XENMM_PROT_READ, true,
	 protect_and_map<XENMM_PROT_READ_WRITE>, check_protection<false>},

	// Fresh pages: no twin table maps them yet.
	{"arena-protect-first", XENMM_IOC_PROTECT, XENMM_PROT_READ, false,
	 [](const Scene &scene) {
		 scene.discard();
		 scene.protect(XENMM_PROT_READ_WRITE);
		 fill(scene);
	 },
	 check_protection<false>},

	{"arena-populate", XENMM_IOC_POPULATE, 0, true, [](const Scene &scene) { scene.discard(); },
	 [](const Scene &scene) {
		 scene.check_zero(Entries::kPresent);
		 scene.stamp(); // so that the next one has to zero
	 }},

	{"arena-discard", XENMM_IOC_DISCARD, 0, true,
	 [](const Scene &scene) {
		 scene.discard();
		 fill(scene);
	 },
	 [](const Scene &scene) { scene.check_zero(Entries::kEmpty); }},
};

class ArenaWorkload final : public Workload
{
public:
	ArenaWorkload(const Recipe &recipe, const Job &job)
		: recipe_(recipe), scene_(job), way_(job.way.value_or(Way{}))
	{
	}

	void prepare() override
	{
		recipe_.prepare(scene_);
		op_ = make_op(scene_.touched(), way_, recipe_.prot);
	}
	void run() override
	{
		if (recipe_.request)
			result_ = scene_.arena().submit(recipe_.request, op_);
		else
			scene_.touch();
		error_ = errno;
	}
	void finish() override
	{
		if (recipe_.request)
			require_done(result_, error_, op_);
		scene_.check_rest();
		recipe_.check(scene_);
	}

private:
	const Recipe &recipe_;
	Scene scene_;
	Way way_;
	xenmm_op op_ = {};
	int result_ = 0;
	int error_ = 0;
};

} // namespace

void add_arena_operations(WorkloadKinds &kinds)
{
	for (const Recipe &recipe : kRecipes) {
		WorkloadKind kind = {recipe.name, [&recipe](const Job &job) {
					     return std::make_unique<ArenaWorkload>(recipe, job);
				     }};
		kind.group = kArenaGroup;
		kind.has_method = recipe.request != 0;
		kind.has_density = recipe.has_density;
		kind.protects = recipe.request == XENMM_IOC_PROTECT;
		kinds.push_back(std::move(kind));
	}
}

} // namespace xenmm

// SPDX-License-Identifier: GPL-2.0
/*
 * What a guest went to Xen for, by xentrace with an event for each entry: one process of it from
 * the first reset on, as its start takes longer than most of what is traced. Its file is emptied by
 * each reset; what it writes then stands behind a hole.
 */
/* Before Xen's headers: xenctrl.h has them show what tools see. */
#include "host_answers.h"

#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xen/trace.h>
#include <xen/xen.h>

static const char path[] = "/tmp/trace";
static long begin;		       /* of what is to be counted, in the file */
static const unsigned int pages = 512; /* of Xen's buffer, for each CPU */

/* A record is a header, a time stamp of two words where the header says so, and operands. */
struct record {
	uint32_t event;
	uint32_t count;
	uint32_t operand[TRACE_EXTRA_MAX];
};

enum count {
	RECORDS,
	ENTRIES,
	PAGE_FAULTS,
	EMULATIONS,
	MMU_UPDATES,
	MULTICALLS,
	VA_MAPPINGS,
	MMUEXT_OPS,
	CONTINUATIONS,
	VMEXITS,
	NESTED_FAULTS,
	LOST,
	COUNTS
};

static const char *const names[COUNTS] = {
	[RECORDS] = "records",
	[ENTRIES] = "entries",
	[PAGE_FAULTS] = "page faults",
	[EMULATIONS] = "writable pt emulations",
	[MMU_UPDATES] = "calls to mmu_update",
	[MULTICALLS] = "calls to multicall",
	[VA_MAPPINGS] = "calls to update_va_map",
	[MMUEXT_OPS] = "calls to mmuext_op",
	[CONTINUATIONS] = "continuations",
	[VMEXITS] = "vmexits",
	[NESTED_FAULTS] = "vmexits[npf]",
	[LOST] = "lost records",
};

static uint64_t counts[COUNTS];

static const uint32_t nested_fault = 0x400; /* SVM's exit code */
static const uint32_t continues = 1U << 31; /* MMU_UPDATE_PREEMPTED: Xen comes back to a call */

static enum count of_call(uint32_t number)
{
	switch (number) {
	case __HYPERVISOR_mmu_update:
		return MMU_UPDATES;
	case __HYPERVISOR_multicall:
		return MULTICALLS;
	case __HYPERVISOR_update_va_mapping:
		return VA_MAPPINGS;
	case __HYPERVISOR_mmuext_op:
		return MMUEXT_OPS;
	default:
		return COUNTS;
	}
}

/*
 * The first operand is the call's number, below flags for what follows; the second, of a call that
 * has one, how much to do.
 */
static void count_call(const struct record *record)
{
	enum count call;

	if (!record->count)
		return;
	call = of_call(record->operand[0] & ~TRC_PV_HYPERCALL_V2_ARG_MASK);
	if (call == COUNTS)
		return;
	if (record->event == TRC_PV_HYPERCALL_V2)
		counts[ENTRIES]++;
	if (record->count > 1 && record->operand[1] & continues)
		counts[CONTINUATIONS]++;
	else
		counts[call]++;
}

static void count_record(const struct record *record)
{
	counts[RECORDS]++;
	switch (record->event) {
	case TRC_PV_HYPERCALL_V2:
	case TRC_PV_HYPERCALL_SUBCALL:
		count_call(record);
		break;
	case TRC_PV_PTWR_EMULATION | TRC_64_FLAG:
		counts[EMULATIONS]++;
		/* fallthrough */
	case TRC_PV_PAGE_FAULT | TRC_64_FLAG:
	case TRC_PV_PAGING_FIXUP | TRC_64_FLAG:
	case TRC_PV_GDT_LDT_MAPPING_FAULT | TRC_64_FLAG:
		counts[PAGE_FAULTS]++;
		counts[ENTRIES]++;
		break;
	case TRC_HVM_VMEXIT64:
		counts[VMEXITS]++;
		counts[ENTRIES]++;
		counts[NESTED_FAULTS] += record->count && record->operand[0] == nested_fault;
		break;
	case TRC_LOST_RECORDS:
		counts[LOST] += record->count ? record->operand[0] : 0;
		break;
	}
}

/* False at the end, which may be within a record that is just being written. */
static int read_record(FILE *file, struct record *record)
{
	uint32_t header, stamp[2];

	if (fread(&header, sizeof(header), 1, file) != 1)
		return 0;
	record->event = TRC_HD_TO_EVENT(header);
	record->count = TRC_HD_EXTRA(header);
	if (TRC_HD_INCLUDES_CYCLE_COUNT(header) && fread(stamp, sizeof(stamp), 1, file) != 1)
		return 0;
	return fread(record->operand, sizeof(uint32_t), record->count, file) == record->count;
}

static void exec_xentrace(const char *events, unsigned int cpu)
{
	char name[16], size[16];
	int log = open("xentrace.log", O_WRONLY | O_CREAT, 0644);

	snprintf(name, sizeof(name), "%u", cpu);
	snprintf(size, sizeof(size), "%u", pages);
	dup2(log, STDOUT_FILENO);
	dup2(log, STDERR_FILENO);
	execlp("xentrace", "xentrace", "-D", "-x", "-s", "10", "-S", size, "-c", name, "-e", events,
	       path, (char *)NULL);
	_exit(127);
}

static long file_size(void)
{
	struct stat status;

	return stat(path, &status) ? 0 : status.st_size;
}

/* It has begun when something has happened: an idle guest waits for the answer. */
static void start_xentrace(const char *events, unsigned int cpu)
{
	unlink(path);
	if (!fork())
		exec_xentrace(events, cpu);
	for (int i = 0; i < 25 && !file_size(); i++)
		usleep(20000);
}

void trace_begin(struct xc_interface_core *xc, const char *events, unsigned int cpu)
{
	static int started;
	unsigned long ignored;

	if (!started++) {
		start_xentrace(events, cpu);
		trace_end(xc);
	}
	begin = file_size();
	if (truncate(path, 0))
		begin = 0;
	xc_tbuf_enable(xc, pages, &ignored, &ignored);
}

/* Waits until xentrace has found nothing new: it sleeps half as long between two looks. */
void trace_end(struct xc_interface_core *xc)
{
	long seen;

	xc_tbuf_disable(xc);
	do {
		seen = file_size();
		usleep(20000);
	} while (file_size() != seen);
}

void trace_print(FILE *to)
{
	struct record record;
	FILE *file;

	file = fopen(path, "rb");
	if (!file)
		return;
	memset(counts, 0, sizeof(counts));
	fseek(file, begin, SEEK_SET);
	while (read_record(file, &record))
		count_record(&record);
	fclose(file);
	for (int i = 0; i < COUNTS; i++)
		if (counts[i])
			fprintf(to, "%llu trace: %s\n", (unsigned long long)counts[i], names[i]);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * What a guest went to Xen for, from a file of xentrace with an event for each entry
 * (-e 0x203000 for PV, 0x81000 for HVM): lines "COUNT trace: NAME". vmm-answers runs it in dom0.
 *	host-count-trace FILE
 */
#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <xen/trace.h>
#include <xen/xen.h>

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

/* False at the end, which may be within a record: xentrace was told to stop. */
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

int main(int argc, char **argv)
{
	struct record record;
	FILE *file;

	if (argc != 2)
		errx(2, "usage: host-count-trace FILE");
	file = fopen(argv[1], "rb");
	if (!file) {
		warn("%s", argv[1]);
		return 1;
	}
	while (read_record(file, &record))
		count_record(&record);
	fclose(file);
	for (int i = 0; i < COUNTS; i++)
		if (counts[i])
			printf("%llu trace: %s\n", (unsigned long long)counts[i], names[i]);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0
/* /sys/kernel/debug/xenmm/, described in Documentation/ABI/testing/debugfs-xenmm. */
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "glue.h"
#include "inject.h"

static struct dentry *xenmm_folder;

static int version_show(struct seq_file *file, void *unused)
{
	seq_puts(file, XENMM_VERSION "\n");
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(version);

static int stats_show(struct seq_file *file, void *unused)
{
	struct xenmm_counts counts;
	u32 i;

	xenmm_stats_read(&counts);
	for (i = 0; i < XENMM_NR_COUNTERS; i++)
		seq_printf(file, "%s %llu\n", xenmm_counter_name(i), (u64)counts.counter[i]);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(stats);

static int histogram_show(struct seq_file *file, void *unused)
{
	struct xenmm_counts counts;
	u32 i;

	xenmm_stats_read(&counts);
	for (i = 0; i < XENMM_NR_BUCKETS; i++)
		seq_printf(file, "%u %llu\n", 1U << i, (u64)counts.bucket[i]);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(histogram);

static int sections_show(struct seq_file *file, void *unused)
{
	xenmm_sections_show(file);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(sections);

static int cost_show(struct seq_file *file, void *unused)
{
	struct xenmm_cost cost;
	u32 i;

	xenmm_k_cost(&cost);
	seq_printf(file, "calibrated %d\n", xenmm_cost_is_written());
	for (i = 0; i < XENMM_NR_COSTS; i++)
		seq_printf(file, "%s %u\n", xenmm_cost_name(i), cost.ticks[i]);
	return 0;
}

static int cost_open(struct inode *inode, struct file *file)
{
	return single_open(file, cost_show, NULL);
}

static ssize_t cost_write(struct file *file, const char __user *buffer, size_t length,
			  loff_t *offset)
{
	char *text;
	int error;

	if (length >= PAGE_SIZE)
		return -EINVAL;
	text = memdup_user_nul(buffer, length);
	if (IS_ERR(text))
		return PTR_ERR(text);
	error = xenmm_cost_write(text);
	kfree(text);
	return error ?: length;
}

static const struct file_operations cost_fops = {
	.owner = THIS_MODULE,
	.open = cost_open,
	.read = seq_read,
	.write = cost_write,
	.llseek = seq_lseek,
	.release = single_release,
};

static int kernel_counts_show(struct seq_file *file, void *unused)
{
	struct xenmm_kernel_counts counts;
	bool estimates;
	u32 i;

	seq_printf(file, "counting %d\n", xenmm_kernel_read(&counts, &estimates));
	seq_printf(file, "estimating %d\n", estimates);
	for (i = 0; i < XENMM_NR_KERNEL; i++)
		seq_printf(file, "%s %llu\n", xenmm_kernel_counter_name(i), (u64)counts.counter[i]);
	return 0;
}

static int kernel_counts_open(struct inode *inode, struct file *file)
{
	return single_open(file, kernel_counts_show, NULL);
}

static ssize_t kernel_counts_write(struct file *file, const char __user *buffer, size_t length,
				   loff_t *offset)
{
	char text[8] = {};
	int error = -EINVAL;

	if (length >= sizeof(text))
		return -EINVAL;
	if (copy_from_user(text, buffer, length))
		return -EFAULT;
	strim(text);
	if (!strcmp(text, "0"))
		error = xenmm_kernel_set(XENMM_KERNEL_OFF, false);
	else if (!strcmp(text, "1"))
		error = xenmm_kernel_set(XENMM_KERNEL_ON, false);
	else if (!strcmp(text, "reset"))
		error = xenmm_kernel_set(XENMM_KERNEL_LEAVE, true);
	return error ?: length;
}

static const struct file_operations kernel_counts_fops = {
	.owner = THIS_MODULE,
	.open = kernel_counts_open,
	.read = seq_read,
	.write = kernel_counts_write,
	.llseek = seq_lseek,
	.release = single_release,
};

static ssize_t reset_write(struct file *file, const char __user *text, size_t length,
			   loff_t *offset)
{
	xenmm_stats_reset();
	xenmm_sections_reset();
	return length;
}

static const struct file_operations reset_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = reset_write,
	.llseek = noop_llseek,
};

void xenmm_debugfs_create(void)
{
	/* debugfs may be locked down or absent; its functions take error pointers. */
	xenmm_folder = debugfs_create_dir("xenmm", NULL);
	debugfs_create_file("version", 0400, xenmm_folder, NULL, &version_fops);
	debugfs_create_file("stats", 0400, xenmm_folder, NULL, &stats_fops);
	debugfs_create_file("histogram", 0400, xenmm_folder, NULL, &histogram_fops);
	debugfs_create_file("sections", 0400, xenmm_folder, NULL, &sections_fops);
	debugfs_create_file("cost", 0600, xenmm_folder, NULL, &cost_fops);
	debugfs_create_file("kernel", 0600, xenmm_folder, NULL, &kernel_counts_fops);
	debugfs_create_file("reset", 0200, xenmm_folder, NULL, &reset_fops);
	xenmm_inject_create(xenmm_folder);
}

void xenmm_debugfs_remove(void)
{
	debugfs_remove(xenmm_folder);
}

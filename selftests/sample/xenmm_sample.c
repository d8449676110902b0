// SPDX-License-Identifier: GPL-2.0
/*
 * An example of a driver that maps pages of its own into user memory, by xenmm_map_pages()
 * or by the loop that privcmd goes through, to be compared.
 */
#include "driver/xenmm.h"

#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include <xen/page.h>
#include <xen/xen-ops.h>
#include <xen/xen.h>

#include "compat.h"
#include "uapi/xenmm_sample.h"

static struct page **sample_pages;
static struct xenmm_mapper *sample_mapper;

/* What one call works on. */
struct sample_work {
	struct page **pages;
	xen_pfn_t *frames;
	int *results;
};

static void sample_free(struct sample_work *work)
{
	kvfree(work->pages);
	kvfree(work->frames);
	kvfree(work->results);
}

static int sample_alloc(struct sample_work *work, unsigned int count)
{
	work->pages = kvmalloc_array(count, sizeof(*work->pages), GFP_KERNEL);
	work->frames = kvmalloc_array(count, sizeof(*work->frames), GFP_KERNEL);
	work->results = kvmalloc_array(count, sizeof(*work->results), GFP_KERNEL);
	return work->pages && work->frames && work->results ? 0 : -ENOMEM;
}

/* The top table of this address space: Xen lets nobody map it writable. */
static struct page *sample_bad_page(void)
{
	return virt_to_page(current->mm->pgd);
}

static void sample_choose(struct sample_work *work, const struct xenmm_sample_op *op,
			  unsigned long first)
{
	for (unsigned int i = 0; i < op->count; i++)
		work->pages[i] = op->bad_every && i % op->bad_every == 0 ? sample_bad_page()
									 : sample_pages[first + i];
}

/* As privcmd does with the frames that its caller names. */
static int sample_map_by_kernel(struct sample_work *work, struct vm_area_struct *vma,
				const struct xenmm_sample_op *op)
{
	for (unsigned int i = 0; i < op->count; i++)
		work->frames[i] = pfn_to_gfn(page_to_pfn(work->pages[i]));
	return xen_remap_domain_gfn_array(vma, op->start, work->frames, op->count, work->results,
					  vma->vm_page_prot, DOMID_SELF, NULL);
}

static int sample_map(struct sample_work *work, struct vm_area_struct *vma,
		      const struct xenmm_sample_op *op)
{
	sample_choose(work, op, (op->start - vma->vm_start) >> PAGE_SHIFT);
	if (op->way == XENMM_SAMPLE_BY_KERNEL)
		return sample_map_by_kernel(work, vma, op);
	return xenmm_map_pages(sample_mapper, vma, op->start, work->pages, op->count,
			       vma->vm_page_prot, work->results);
}

static int sample_unmap(struct vm_area_struct *vma, const struct xenmm_sample_op *op)
{
	if (op->way == XENMM_SAMPLE_BY_XENMM)
		return xenmm_unmap_pages(sample_mapper, vma, op->start, op->count);
	zap_vma_ptes(vma, op->start, (unsigned long)op->count << PAGE_SHIFT);
	return 0;
}

static const struct file_operations sample_fops;

static struct vm_area_struct *sample_find(const struct xenmm_sample_op *op)
{
	struct vm_area_struct *vma = vma_lookup(current->mm, op->start);

	if (!vma || !vma->vm_file || vma->vm_file->f_op != &sample_fops ||
	    !PAGE_ALIGNED(op->start) || op->count > (vma->vm_end - op->start) >> PAGE_SHIFT)
		return NULL;
	return vma;
}

static int sample_map_locked(struct sample_work *work, struct xenmm_sample_op *op)
{
	struct vm_area_struct *vma;
	int mapped = -EINVAL;

	mmap_write_lock(current->mm);
	vma = sample_find(op);
	if (vma)
		mapped = sample_map(work, vma, op);
	mmap_write_unlock(current->mm);
	op->mapped = max(mapped, 0);
	return min(mapped, 0);
}

static int sample_run_map(struct xenmm_sample_op *op)
{
	struct sample_work work;
	int error = sample_alloc(&work, op->count);

	if (!error)
		error = sample_map_locked(&work, op);
	if (!error && copy_to_user(u64_to_user_ptr(op->results), work.results,
				   op->count * sizeof(*work.results)))
		error = -EFAULT;
	sample_free(&work);
	return error;
}

static int sample_run_unmap(struct xenmm_sample_op *op)
{
	struct vm_area_struct *vma;
	int error = -EINVAL;

	mmap_write_lock(current->mm);
	vma = sample_find(op);
	if (vma)
		error = sample_unmap(vma, op);
	mmap_write_unlock(current->mm);
	return error;
}

static int sample_check(const struct xenmm_sample_op *op)
{
	if (!op->count || op->count > XENMM_SAMPLE_PAGES || op->way > XENMM_SAMPLE_BY_KERNEL)
		return -EINVAL;
	if ((op->way == XENMM_SAMPLE_BY_KERNEL || op->bad_every) && !xen_pv_domain())
		return -EOPNOTSUPP;
	return 0;
}

static long sample_ioctl(struct file *file, unsigned int request, unsigned long argument)
{
	struct xenmm_sample_op __user *user = (void __user *)argument;
	struct xenmm_sample_op op;
	long error;

	if (request != XENMM_SAMPLE_MAP && request != XENMM_SAMPLE_UNMAP)
		return -ENOTTY;
	if (copy_from_user(&op, user, sizeof(op)))
		return -EFAULT;
	error = sample_check(&op);
	if (!error)
		error = request == XENMM_SAMPLE_MAP ? sample_run_map(&op) : sample_run_unmap(&op);
	if (!error && copy_to_user(user, &op, sizeof(op)))
		error = -EFAULT;
	return error;
}

/* Pages are counted by nobody: they live as long as this module, which the file holds. */
static int sample_mmap(struct file *file, struct vm_area_struct *vma)
{
	if (!(vma->vm_flags & VM_SHARED) || vma->vm_pgoff || vma_pages(vma) > XENMM_SAMPLE_PAGES)
		return -EINVAL;
	xenmm_compat_vma_flags(vma, VM_IO | VM_PFNMAP | VM_DONTCOPY | VM_DONTEXPAND | VM_DONTDUMP,
			       0);
	return 0;
}

static const struct file_operations sample_fops = {
	.owner = THIS_MODULE,
	.mmap = sample_mmap,
	.unlocked_ioctl = sample_ioctl,
};

static struct miscdevice sample_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "xenmm_sample",
	.fops = &sample_fops,
	.mode = 0600,
};

static void sample_free_pages(void)
{
	for (unsigned int i = 0; i < XENMM_SAMPLE_PAGES && sample_pages[i]; i++)
		__free_page(sample_pages[i]);
	kvfree(sample_pages);
}

static int sample_make_pages(void)
{
	sample_pages = kvcalloc(XENMM_SAMPLE_PAGES, sizeof(*sample_pages), GFP_KERNEL);
	if (!sample_pages)
		return -ENOMEM;
	for (unsigned int i = 0; i < XENMM_SAMPLE_PAGES; i++) {
		sample_pages[i] = alloc_page(GFP_KERNEL | __GFP_ZERO);
		if (!sample_pages[i]) {
			sample_free_pages();
			return -ENOMEM;
		}
		*(__u64 *)page_address(sample_pages[i]) = i;
	}
	return 0;
}

static int __init sample_init(void)
{
	int error = sample_make_pages();

	if (error)
		return error;
	sample_mapper = xenmm_mapper_create();
	error = PTR_ERR_OR_ZERO(sample_mapper);
	if (!error)
		error = misc_register(&sample_device);
	if (!error)
		return 0;
	if (!IS_ERR(sample_mapper))
		xenmm_mapper_destroy(sample_mapper);
	sample_free_pages();
	return error;
}
module_init(sample_init);

static void __exit sample_exit(void)
{
	misc_deregister(&sample_device);
	xenmm_mapper_destroy(sample_mapper);
	sample_free_pages();
}
module_exit(sample_exit);

MODULE_DESCRIPTION("Example of a driver that maps its pages by xenmm");
MODULE_AUTHOR("The xenmm authors");
MODULE_LICENSE("GPL");

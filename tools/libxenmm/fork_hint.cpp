// SPDX-License-Identifier: MIT OR GPL-2.0
// libxenmm-fork.so: tells the module before every fork of a program that knows nothing of it.
//
//	LD_PRELOAD=libxenmm-fork.so redis-server
//
// The device is opened anew each time: programs close descriptors that they do not know, and a
// child may not use its parent's. Where there is no device, or it may not be opened, nothing
// is done. vfork, posix_spawn and threads copy no memory, and clone(2) without the C
// library asks nobody.
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "uapi/xenmm.h"

namespace
{

// Whatever comes of it, the fork follows.
void before_fork()
{
	int error = errno;
	int fd = open(XENMM_DEVICE_PATH, O_RDWR | O_CLOEXEC);
	if (fd >= 0) {
		xenmm_fork fork = {};
		(void)ioctl(fd, XENMM_IOC_FORK, &fork);
		close(fd);
	}
	errno = error;
}

__attribute__((constructor)) void prepare()
{
	pthread_atfork(before_fork, nullptr, nullptr);
}

} // namespace

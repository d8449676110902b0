// SPDX-License-Identifier: GPL-2.0
/*
 * The harness that xenmm_test.h declares: main, one child a test, KTAP.
 * A verdict lives in shared memory, so that what a test forked can fail it too.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#include "xenmm_test.h"

#define DEFAULT_TIMEOUT_SECONDS 60
#define SLOW_SECONDS 3
#define EXIT_FAIL 1
#define EXIT_SKIP 4

/* Programs may run side by side, and the module counts for all of them together. */
#define MODULE_PATH "/sys/module/xenmm"

/* Written by a test and by its children, read by the parent of all. */
struct verdict {
	volatile int failed;
	char skip_reason[128];
};

static struct verdict *verdict;

static struct test *first_test;
static struct test **next_test = &first_test;
static thread_local char context[512];

void test_register(struct test *test)
{
	*next_test = test;
	next_test = &test->next;
}

void test_context(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(context, sizeof(context), format, arguments);
	va_end(arguments);
}

void test_fail(bool fatal, const char *file, int line, const char *text, long long left,
	       long long right)
{
	printf("# %s:%d: expected %s, but %lld (%#llx) and %lld (%#llx)%s%s\n", file, line, text,
	       left, left, right, right, *context ? ": " : "", context);
	fflush(stdout);
	verdict->failed = 1;
	if (fatal)
		_exit(EXIT_FAIL);
}

void test_skip(const char *reason)
{
	snprintf(verdict->skip_reason, sizeof(verdict->skip_reason), "%s", reason);
	_exit(EXIT_SKIP);
}

unsigned long setting(const char *name, unsigned long otherwise)
{
	const char *text = getenv(name);
	char *end = "";
	unsigned long value = text ? strtoul(text, &end, 0) : otherwise;

	if (*end)
		printf("# %s=%s is no number: give one or unset it\n", name, text);
	ASSERT_EQ(*end, '\0');
	return value;
}

/* A kernel that checks everything needs longer. */
unsigned int timeout_seconds(void)
{
	return setting("XENMM_TIMEOUT", DEFAULT_TIMEOUT_SECONDS);
}

/*
 * Each test holds a lock on the module's folder, shared until it is alone. The time that it waits
 * is not the test's.
 */
static int module_lock;

static void lock_module(int operation)
{
	const unsigned int left = alarm(0);
	int status;

	do
		status = flock(module_lock, operation);
	while (status && errno == EINTR);
	ASSERT_EQ(status, 0);
	alarm(left);
}

void be_alone(void)
{
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	static bool is_alone;

	pthread_mutex_lock(&mutex);
	if (!is_alone)
		lock_module(LOCK_EX);
	is_alone = true;
	pthread_mutex_unlock(&mutex);
}

static void run_body(const struct test *test, const struct method *method)
{
	struct arena arena = {.fd = -1};

	setpgid(0, 0);
	module_lock = open(MODULE_PATH, O_RDONLY | O_CLOEXEC);
	ASSERT_GE(module_lock, 0);
	lock_module(LOCK_SH);
	alarm(timeout_seconds());
	if (test->needs_arena)
		arena = arena_make(ARENA_PAGES);
	test->body(&arena, method);
	if (test->needs_arena)
		arena_close(&arena);
	_exit(verdict->failed ? EXIT_FAIL : 0);
}

/* 0, EXIT_FAIL or EXIT_SKIP. */
static int run_test(const struct test *test, const struct method *method)
{
	int status;
	pid_t child;

	memset(verdict, 0, sizeof(*verdict));
	child = fork();
	if (child < 0)
		return EXIT_FAIL;
	if (!child)
		run_body(test, method);
	waitpid(child, &status, 0);
	kill(-child, SIGKILL); /* what it forked */
	if (WIFSIGNALED(status)) {
		printf("# killed by signal %d (%s)\n", WTERMSIG(status),
		       WTERMSIG(status) == SIGALRM ? "timeout" : strsignal(WTERMSIG(status)));
		return EXIT_FAIL;
	}
	return verdict->failed ? EXIT_FAIL : WEXITSTATUS(status);
}

static int report(int number, const struct test *test, const struct method *method, int result)
{
	printf("%sok %d %s%s%s", result == EXIT_FAIL ? "not " : "", number,
	       method ? method->name : "", method ? "." : "", test->name);
	if (result == EXIT_SKIP)
		printf(" # SKIP %s", verdict->skip_reason);
	printf("\n");
	fflush(stdout);
	return result;
}

static bool is_in_plan(const struct test *test, const struct method *method)
{
	const bool other_batch = method->batch && method->batch != 512;

	return is_offered(method->number) && (test->times == EACH_BATCH || !other_batch);
}

/* Call visit for each line of the plan; with a NULL visit, count them. */
static int visit_lines(const char *filter,
		       int (*visit)(int, const struct test *, const struct method *))
{
	int number = 0;

	for (const struct test *test = first_test; test; test = test->next) {
		if (filter && !strstr(test->name, filter))
			continue;
		for (size_t i = 0; i < (test->times == ONCE ? 1 : nr_methods); i++) {
			const struct method *method = test->times == ONCE ? NULL : &methods[i];

			if (method && !is_in_plan(test, method))
				continue;
			number++;
			if (visit)
				visit(number, test, method);
		}
	}
	return number;
}

static int totals[EXIT_SKIP + 1];

static int run_line(int number, const struct test *test, const struct method *method)
{
	const time_t begin = time(NULL);

	totals[report(number, test, method, run_test(test, method))]++;
	if (time(NULL) - begin >= SLOW_SECONDS)
		printf("# took %ld s\n", (long)(time(NULL) - begin));
	return 0;
}

/* The argument, if there is one, picks tests whose name contains it. */
int main(int argc, char **argv)
{
	const char *filter = argc > 1 ? argv[1] : NULL;
	int count;

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("TAP version 13\n");
	if (access(XENMM_DEVICE_PATH, F_OK)) {
		printf("1..0 # SKIP no " XENMM_DEVICE_PATH "\n");
		return EXIT_SKIP;
	}
	verdict = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (verdict == MAP_FAILED)
		return EXIT_FAIL;
	count = visit_lines(filter, NULL);
	printf("1..%d\n", count);
	visit_lines(filter, run_line);
	printf("# Totals: pass:%d fail:%d xfail:0 xpass:0 skip:%d error:0\n", totals[0],
	       totals[EXIT_FAIL], totals[EXIT_SKIP]);
	if (totals[EXIT_FAIL])
		return EXIT_FAIL;
	return totals[EXIT_SKIP] == count ? EXIT_SKIP : 0;
}

int run_child(void (*body)(struct arena *self), struct arena *self)
{
	int status = -1;
	pid_t child;

	fflush(stdout);
	child = fork();
	ASSERT_GE(child, 0);
	if (!child) {
		alarm(timeout_seconds());
		body(self);
		_exit(0); /* a failure shows in verdict */
	}
	ASSERT_EQ(waitpid(child, &status, 0), child);
	return status;
}

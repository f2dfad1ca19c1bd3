/*
 * chmod, cp, rm and setcap for the small base image, in one program that looks at the name it was called by.
 *
 * The base stands on klibc (a shell and forty tools in 400 KB) because thirty committed images with busybox or
 * coreutils would be thirty megabytes. klibc-utils happens to hold none of these four, and build steps such as
 * `RUN cp … && chmod 4755 …` are what the images are there to show.
 *
 * Built with klibc's own compiler wrapper: klcc -Os coretools.c
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail(const char *what, const char *path)
{
	fprintf(stderr, "%s: %s: %s\n", what, path, strerror(errno));
	return 1;
}

static int do_chmod(int argc, char **argv)
{
	int i, rc = 0;

	for (i = 2; i < argc; i++)
		if (chmod(argv[i], strtoul(argv[1], NULL, 8)))
			rc = fail("chmod", argv[i]);
	return rc;
}

static int do_cp(int argc, char **argv)
{
	char buf[8192];
	struct stat st;
	ssize_t n;
	int in, out;

	if (argc != 3)
		return 2;
	in = open(argv[1], O_RDONLY);
	if (in < 0 || fstat(in, &st))
		return fail("cp", argv[1]);
	out = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC, st.st_mode & 0777);
	if (out < 0)
		return fail("cp", argv[2]);
	while ((n = read(in, buf, sizeof(buf))) > 0)
		if (write(out, buf, n) != n)
			return fail("cp", argv[2]);
	return n < 0 ? fail("cp", argv[1]) : 0;
}

static int remove_tree(const char *path)
{
	struct stat st;
	struct dirent *e;
	char child[4096];
	DIR *d;
	int rc = 0;

	if (lstat(path, &st))
		return errno == ENOENT ? 0 : fail("rm", path);
	if (!S_ISDIR(st.st_mode))
		return unlink(path) ? fail("rm", path) : 0;
	d = opendir(path);
	if (!d)
		return fail("rm", path);
	while ((e = readdir(d))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		snprintf(child, sizeof(child), "%s/%s", path, e->d_name);
		rc |= remove_tree(child);
	}
	closedir(d);
	return rmdir(path) ? fail("rm", path) : rc;
}

static int do_rm(int argc, char **argv)
{
	int i, rc = 0;

	for (i = 1; i < argc; i++)
		if (argv[i][0] != '-')
			rc |= remove_tree(argv[i]);
	return rc;
}

/* klibc has no setxattr(), nor syscall(). */
static long sys_setxattr(const char *path, const char *name, const void *value, size_t size)
{
#if defined(__x86_64__)
	long ret;
	register long flags __asm__("r8") = 0;
	register size_t len __asm__("r10") = size;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "0"(188L), "D"(path), "S"(name), "d"(value), "r"(len), "r"(flags)
			 : "rcx", "r11", "memory");
	if (ret < 0) {
		errno = -ret;
		return -1;
	}
	return 0;
#else
#error "the test images are amd64"
#endif
}

/* setcap cap_a,cap_b+ep FILE: always permitted and effective, VFS_CAP_REVISION_2 (linux/capability.h). */
static int do_setcap(int argc, char **argv)
{
	static const struct { const char *name; int bit; } known[] = {
		{ "cap_chown", 0 }, { "cap_dac_override", 1 }, { "cap_fowner", 3 }, { "cap_setgid", 6 },
		{ "cap_setuid", 7 }, { "cap_net_bind_service", 10 }, { "cap_net_admin", 12 }, { "cap_net_raw", 13 },
	};
	uint32_t cap[5] = { 0x02000001, 0, 0, 0, 0 };
	const char *p;
	unsigned i;

	if (argc != 3)
		return 2;
	for (p = argv[1]; *p && *p != '+'; ) {
		size_t len = strcspn(p, ",+");

		for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			if (strlen(known[i].name) == len && !strncmp(known[i].name, p, len))
				break;
		if (i == sizeof(known) / sizeof(known[0])) {
			fprintf(stderr, "setcap: unknown capability in %s\n", argv[1]);
			return 2;
		}
		cap[1] |= 1u << known[i].bit;
		p += len;
		if (*p == ',')
			p++;
	}
	return sys_setxattr(argv[2], "security.capability", cap, sizeof(cap)) ? fail("setcap", argv[2]) : 0;
}

int main(int argc, char **argv)
{
	const char *name = strrchr(argv[0], '/');

	name = name ? name + 1 : argv[0];
	if (!strcmp(name, "chmod"))
		return do_chmod(argc, argv);
	if (!strcmp(name, "cp"))
		return do_cp(argc, argv);
	if (!strcmp(name, "rm"))
		return do_rm(argc, argv);
	if (!strcmp(name, "setcap"))
		return do_setcap(argc, argv);
	fprintf(stderr, "coretools: called as %s\n", name);
	return 2;
}

/* The service that the benchmark runs: it says when it began, and then does nothing.
 *
 *     mark [SOCKET NAME]
 *
 * sends "NAME PID NANOSECONDS" (CLOCK_MONOTONIC, read first of all) as one
 * datagram. Without arguments, for supervisors that run a file of a service's
 * directory, SOCKET is $MARK_SOCKET and NAME the directory's. With $MARK_READY
 * it writes a line to that descriptor: s6's way of saying that it is ready.
 * With $MARK_PIDFILE_DIR it puts itself into the background and leaves
 * DIR/NAME.pid: Monit's kind of service. In C, so that its own start costs
 * next to nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static void background(const char *dir, const char *name) {
	char path[4096];
	if (fork() > 0)
		_exit(0);
	setsid();
	snprintf(path, sizeof path, "%s/%s.pid", dir, name);
	FILE *f = fopen(path, "w");
	if (f) {
		fprintf(f, "%d\n", getpid());
		fclose(f);
	}
}

int main(int argc, char **argv) {
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	char cwd[4096], text[256];
	const char *path = argc > 2 ? argv[1] : getenv("MARK_SOCKET");
	const char *name = argc > 2 ? argv[2] : getcwd(cwd, sizeof cwd) ? strrchr(cwd, '/') + 1 : NULL;
	if (!path || !name)
		return 2;
	if (getenv("MARK_PIDFILE_DIR"))
		background(getenv("MARK_PIDFILE_DIR"), name);
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	strncpy(to.sun_path, path, sizeof to.sun_path - 1);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int n = snprintf(text, sizeof text, "%s %d %lld", name, getpid(), (long long)ts.tv_sec * 1000000000 + ts.tv_nsec);
	if (fd < 0 || sendto(fd, text, n, 0, (struct sockaddr *)&to, sizeof to) < 0) {
		perror("mark");
		return 1;
	}
	close(fd);
	if (getenv("MARK_READY") && write(atoi(getenv("MARK_READY")), "\n", 1) != 1)
		return 1;
	for (;;)
		pause();
}

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "apart.h"

#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* To be nobody's child here the new process is forked by one between, which ends at once. Were that forked too, all tables
   of this process's memory would be copied twice, and let go of once. So it is one that a vfork makes: it has no memory of
   its own but runs in ours, on our stack, while our thread waits in the kernel. Whatever Python and the C library note
   around a fork they note here, as if this thread had forked.

   A handler of a signal could run for it and for us in the same memory, so all signals are blocked meanwhile. Should this
   process be killed, none of its other threads is there to let go of what the one between waits for, so that is killed
   as well. And the C library's restartable sequences are made known to the kernel anew, for the process between and for
   the one that it forks, since a vfork does not hand them on: what says on which CPU a thread runs would stand still. */

#if defined(__linux__) && defined(__GLIBC__) && defined(SYS_rseq) && (defined(__x86_64__) || defined(__aarch64__))

#define RSEQ_SIZE 32 /* that every kernel takes which has them */
#define RSEQ_FAILED (-2)
#ifdef __x86_64__
#define RSEQ_MARK 0x53053053
#else
#define RSEQ_MARK 0xd428bc00
#endif

static const ptrdiff_t *rseq_offset;
static const unsigned int *rseq_size;

/* Find where the C library has them, if it does. */
static void find_rseq(void)
{
    rseq_offset = dlsym(RTLD_DEFAULT, "__rseq_offset");
    rseq_size = dlsym(RTLD_DEFAULT, "__rseq_size");
}

static void register_rseq(void)
{
    if (rseq_offset == NULL || rseq_size == NULL || *rseq_size == 0)
        return;
    int32_t *area = (int32_t *)((char *)__builtin_thread_pointer() + *rseq_offset);
    if (area[1] >= 0 && syscall(SYS_rseq, area, RSEQ_SIZE, 0, RSEQ_MARK) != 0)
        area[1] = RSEQ_FAILED; /* the kernel is asked for the CPU then */
}

#else

static void find_rseq(void) {}
static void register_rseq(void) {}

#endif

/* End this process with the one that has made it. */
static void end_with(pid_t maker)
{
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
#endif
    if (getppid() != maker)
        _exit(1);
}

static double used(void)
{
    struct timespec found = {0, 0};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &found);
    return (double)found.tv_sec + (double)found.tv_nsec * 1e-9;
}

PyObject *apart_fork(PyObject *module, PyObject *fork)
{
    (void)module;
    sigset_t all, before;
    PyObject *volatile forked = NULL;
    volatile double seconds = 0.0;
    find_rseq();
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t maker = getpid();
    pid_t between = vfork();
    if (between == 0) {
        pid_t own = getpid();
        end_with(maker);
        register_rseq();
        PyObject *found = PyObject_CallNoArgs(fork);
        if (getpid() == own) {
            forked = found;
            seconds = used();
            _exit(0);
        }
        if (found == NULL)
            _exit(1);
        Py_DECREF(found);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        Py_RETURN_NONE;
    }
    int number = errno;
    while (between > 0 && waitpid(between, NULL, 0) < 0 && errno == EINTR)
        ;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (between < 0 || (forked == NULL && PyErr_Occurred() == NULL)) {
        errno = between < 0 ? number : EAGAIN; /* or somebody has killed it */
        return PyErr_SetFromErrno(PyExc_OSError);
    }
    if (forked == NULL)
        return NULL;
    Py_DECREF(forked);
    return PyFloat_FromDouble(seconds);
}

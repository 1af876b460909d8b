# SPDX-License-Identifier: MIT
"""lockbench exec: the program's own output and exit code, a summary on stderr, one line for what cannot be done."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import unittest
from pathlib import Path

import lockbench

PYTHON = "/usr/bin/python3"
CC = shlex.split(os.environ.get("CC_COMMAND", "cc"))
CXX = shlex.split(os.environ.get("CXX_COMMAND", "c++"))
CPLUSPLUS = r"""
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <shared_mutex>
#include <thread>
#include <vector>
using namespace std::chrono;
template <typename Lock> static bool is_exclusive(Lock &lock) {
  bool is_had = true;
  std::lock_guard<Lock> guard(lock);
  std::thread([&] {
    is_had = lock.try_lock() || lock.try_lock_for(milliseconds(2)) ||
             lock.try_lock_until(system_clock::now() + milliseconds(2));
  }).join();
  return !is_had;
}
static bool is_shared(std::shared_timed_mutex &lock) {
  bool is_had = false, is_written = true;
  std::shared_lock<std::shared_timed_mutex> guard(lock);
  std::thread([&] {
    if ((is_had = lock.try_lock_shared_for(seconds(10)))) lock.unlock_shared();
    is_written = lock.try_lock_for(milliseconds(2));
  }).join();
  return is_had && !is_written;
}
template <typename Lock> static bool is_signalled(Lock &lock) {
  std::condition_variable_any condition;
  bool is_asked = false, is_answered = false;
  std::thread other([&] {
    std::unique_lock<Lock> guard(lock);
    condition.wait(guard, [&] { return is_asked; });
    is_answered = true;
    condition.notify_all();
  });
  std::unique_lock<Lock> guard(lock);
  const bool is_early = condition.wait_for(guard, milliseconds(2), [&] { return is_answered; });
  is_asked = true;
  condition.notify_all();
  condition.wait(guard, [&] { return is_answered; });
  guard.unlock();
  other.join();
  return !is_early;
}
static int called_once() {
  std::once_flag flag;
  int n = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; i++) threads.emplace_back([&] { std::call_once(flag, [&] { n++; }); });
  for (auto &thread : threads) thread.join();
  return n;
}
int main() {
  std::mutex plain;
  std::timed_mutex timed;
  std::recursive_timed_mutex recursive;
  std::shared_timed_mutex shared;
  const bool is_good = is_exclusive(timed) && is_exclusive(recursive) && is_exclusive(shared) && is_shared(shared) &&
                       is_signalled(plain) && is_signalled(recursive) && is_signalled(shared) && called_once() == 1;
  std::puts(is_good ? "good" : "bad");
}
"""
LOCKS = 'for (int i = 0; i < 1000; i++) { pthread_mutex_lock(&m); pthread_mutex_unlock(&m); }'


class Exec(lockbench.Case):
    def compile(self, body: str, *flags: str, name: str = "program") -> str:
        """A program of one main with a mutex m."""
        source = self.folder / f"{name}.c"
        source.write_text("#define _GNU_SOURCE\n#include <pthread.h>\n#include <signal.h>\n#include <stdio.h>\n"
                          "#include <stdlib.h>\n#include <string.h>\n#include <unistd.h>\n"
                          "static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;\n"
                          "static void *lock_some(void *p) { " + LOCKS + " return p; }\n"
                          "void *lock_and_stay(void *p) { lock_some(p); for (;;) pause(); return p; }\n"
                          "int main(void) { (void)m, (void)lock_some; " + body + " }\n")
        program = self.folder / name
        subprocess.run([*CC, "-O1", "-pthread", str(source), *flags, "-o", str(program)], check=True)
        return str(program)

    def exec(self, lock: str, *command: str, code: int = 0,
             environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        result = self.run_program("exec", "--lock", lock, "--", *command, env=environment or {})
        self.assertEqual(code, result.returncode, result.stdout + result.stderr)
        return result

    def refuse(self, *arguments: str, names: str) -> None:
        result = self.run_program("exec", *arguments)
        self.assertEqual(2, result.returncode, result.stdout + result.stderr)
        self.assertEqual("", result.stdout)
        self.assertEqual(1, len(result.stderr.splitlines()), result.stderr)
        self.assertTrue(result.stderr.startswith("lockbench: exec: "), result.stderr)
        self.assertIn(names, result.stderr)

    def test_bad_input(self) -> None:
        self.refuse(names="--lock is missing")
        self.refuse("--", "true", names="--lock is missing")
        self.refuse("--lock", "mcs", names="no `--`")
        self.refuse("--lock", "mcs", "true", names="no `--`")
        self.refuse("--lock", "mcs", "--", names="no program")
        self.refuse("--lock", "mcss", "--", "true", names="did you mean mcs?")
        self.refuse("--lock", "empty", "--", "true",
                    names="'empty' cannot stand in for a program's locks; allowed: none,")
        self.refuse("--lock", "mcs,ticket", "--", "true", names="mcs and ticket are two for one purpose")
        self.refuse("--lock", "rw_futex,rw_ticket", "--", "true", names="rw_futex and rw_ticket are two")
        self.refuse("--lock", "mcs,", "--", "true", names="unknown lock ''")
        self.refuse("--lock", "mcs", "--", "no-such-program", names="there is no program 'no-such-program'")
        self.refuse("--lock", "mcs", "--", "/etc/passwd", names="not executable")
        self.refuse("--locks", "mcs", "--", "true", names="did you mean --lock?")
        for name, content in (("empty", b""), ("text", b"hello\n"), ("cut", b"\x7fELF\x02\x01\x01"),
                              ("loop", b"#!loop\n")):
            (self.folder / name).write_bytes(content)
            (self.folder / name).chmod(0o755)
            self.refuse("--lock", "mcs", "--", str(self.folder / name), names=f"{name}'")

    def test_what_cannot_be_reached(self) -> None:
        static = self.compile("return 0;", "-static", name="static")
        self.refuse("--lock", "mcs", "--", static, names="statically linked")
        if os.geteuid() == 0:
            other = self.compile("return 0;", name="rights")
            os.chown(other, 65534, 65534)
            os.chmod(other, 0o4755)
            self.refuse("--lock", "mcs", "--", other, names="more rights than its user")

    def test_a_sanitizer_that_must_come_first_is_told(self) -> None:
        """A library of that name is enough."""
        (self.folder / "a.c").write_text("int nothing; int here(void); int here(void) { return nothing; }")
        library = self.folder / "libasan.so.8"
        subprocess.run([*CC, "-shared", "-fPIC", "-Wl,-soname,libasan.so.8", "a.c", "-o", str(library)], check=True,
                       cwd=self.folder)
        program = self.compile("extern int here(void); lock_some(0); return here();", str(library),
                               f"-Wl,-rpath,{self.folder}")
        self.refuse("--lock", "mcs", "--", program, names="LD_PRELOAD")
        self.assertIn("mcs: 1000 acquisitions",
                      self.exec("mcs", program, environment={"LD_PRELOAD": str(library)}).stderr)

    @unittest.skipIf(shutil.which("go") is None, "no Go")
    def test_a_language_with_locks_of_its_own_is_told(self) -> None:
        result = self.exec("futex", str(shutil.which("go")), "version")
        self.assertIn("Go's runtime locks by itself", result.stderr)

    def test_output_and_exit_code_are_the_program_s(self) -> None:
        result = self.exec("ticket", "sh", "-c", "echo out; echo err >&2; exit 7", code=7)
        self.assertEqual("out\n", result.stdout)
        self.assertTrue(result.stderr.startswith("err\n"), result.stderr)
        result = self.exec("mcs", "printf", "%s.", "a b", "--", "--lock")
        self.assertEqual("a b.--.--lock.", result.stdout)

    def test_a_script_is_run_by_its_interpreter(self) -> None:
        script = self.folder / "script"
        script.write_text(f"#!{PYTHON}\nimport queue\nq = queue.Queue()\nq.put('hello')\nprint(q.get())\n")
        script.chmod(0o755)
        self.assertEqual("hello\n", self.exec("mcs", str(script)).stdout)

    def test_acquisitions_are_counted_to_the_last(self) -> None:
        ends = {"return 0;": 0, "_exit(0);": 0, "kill(getpid(), SIGKILL);": 128 + 9,
                "if (fork() == 0) { lock_some(0); _exit(0); } sleep(1); return 0;": 0,
                "if (vfork() == 0) _exit(0); return 0;": 0}
        for lock in ("futex_spin", "mcs", "none"):
            for end, code in ends.items():
                with self.subTest(lock=lock, end=end):
                    program = self.compile("lock_some(0); pthread_t t; pthread_create(&t, 0, lock_some, 0);"
                                           f"pthread_join(t, 0); {end}")
                    said = self.exec(lock, program, code=code).stderr
                    wanted = 3000 if "lock_some" in end else 2000
                    self.assertRegex(said, rf"lockbench exec: {lock}: {wanted} acquisitions of mutexes, ")

    def test_what_was_found_held_is_counted(self) -> None:
        """The thread, whose number its clock has in it, sleeps once it has found the mutex held. The owner of a
        recursive one that locks it again has found nothing."""
        body = ("pthread_mutexattr_t a; pthread_mutexattr_init(&a); pthread_mutexattr_settype(&a, 1);"
                "pthread_mutex_t r; pthread_mutex_init(&r, &a); pthread_mutex_lock(&r); pthread_mutex_lock(&r);"
                "pthread_mutex_lock(&m); pthread_t t; pthread_create(&t, 0, lock_some, 0);"
                "clockid_t c; pthread_getcpuclockid(t, &c); char name[64], state = 0;"
                'snprintf(name, 64, "/proc/self/task/%d/stat", ~(c >> 3)); while (state != 83) {'
                'FILE *f = fopen(name, "r"); if (!f || fscanf(f, "%*d (%*[^)]) %c", &state) != 1) return 1;'
                "fclose(f); } pthread_mutex_unlock(&m); return pthread_join(t, 0);")
        program = self.compile(body)
        for lock in ("none", "futex"):
            said = self.exec(lock, program).stderr
            self.assertIn(f"{lock}: 1003 acquisitions of mutexes, 0.10 % found it held", said)

    def test_mistakes_are_counted_and_do_no_harm(self) -> None:
        body = ("pthread_mutex_unlock(&m); pthread_mutex_unlock(&m); pthread_mutex_lock(&m); pthread_mutex_destroy(&m);"
                "if (pthread_mutex_trylock(&m) == 0) return 1; pthread_mutex_unlock(&m); lock_some(0); return 0;")
        for lock in ("ticket", "mcs", "futex", "futex_spin", "k42"):
            said = self.exec(lock, self.compile(body)).stderr
            self.assertIn("mistakes of the program: 2 unlocks of locks that were free, 1 lock destroyed while held",
                          said)

    def test_other_kinds_stay_with_the_system(self) -> None:
        body = ("pthread_mutexattr_t a; pthread_mutexattr_init(&a); pthread_mutexattr_setrobust(&a, 1);"
                "pthread_mutex_t r; pthread_mutex_init(&r, &a); for (int i = 0; i < 21; i++) pthread_mutex_lock(&r),"
                "pthread_mutex_unlock(&r); return 0;")
        self.assertIn("stayed with the system: 21 acquisitions of mutexes that are robust",
                      self.exec("mcs", self.compile(body)).stderr)

    def test_readers_and_writers(self) -> None:
        body = ("static pthread_rwlock_t l = PTHREAD_RWLOCK_INITIALIZER; for (int i = 0; i < 10; i++) {"
                "pthread_rwlock_rdlock(&l); pthread_rwlock_rdlock(&l); pthread_rwlock_unlock(&l);"
                "pthread_rwlock_unlock(&l); if (i % 2) pthread_rwlock_wrlock(&l), pthread_rwlock_unlock(&l); }"
                "pthread_rwlock_unlock(&l); lock_some(0); return 0;")
        program = self.compile(body)
        for locks in ("rw_futex", "mcs,rw_bravo", "rw_percpu,ticket"):
            said = self.exec(locks, program).stderr
            self.assertIn(": 20 acquisitions to read, 10 of them by who read already, 5 to write; 0.00 % ", said)
            self.assertIn("mistakes of the program: 1 unlock of a lock that was free", said)
            self.assertEqual("," in locks, ": 1000 acquisitions of mutexes" in said, said)
        self.assertIn("the system's own: 20 acquisitions to read, 5 to write", self.exec("none", program).stderr)

    def test_an_allocator_whose_own_mutexes_are_replaced(self) -> None:
        """Where it is made, a mutex of malloc's must not need malloc."""
        known = subprocess.run(["/sbin/ldconfig", "-p"], text=True, stdout=subprocess.PIPE, check=False).stdout
        found = re.search(r"(/\S*/libjemalloc\.so\.2)$", known, re.MULTILINE)
        if found is None:
            self.skipTest("no jemalloc")
        program = self.compile("pthread_t t; void *volatile p; pthread_create(&t, 0, lock_some, 0);"
                               "for (int i = 1; i < 3000; i++) { p = malloc(i); free(p); } pthread_join(t, 0);"
                               "if (fork() == 0) { p = malloc(9); free(p); _exit(0); } return 0;")
        for lock in ("futex", "mcs", "k42", "hmcs", "none"):
            said = self.exec(lock, program, environment={"LD_PRELOAD": found[1],
                                                         "MALLOC_CONF": "narenas:1,tcache:false"}).stderr
            count = re.search(rf"{lock}: (\d+) acquisitions", said)
            assert count is not None, said
            self.assertGreater(int(count[1]), 3000)

    def test_what_c_plus_plus_has(self) -> None:
        """Deadlines by either clock, a condition with any lock, and what is called once."""
        source, program = self.folder / "threads.cc", self.folder / "threads"
        source.write_text(CPLUSPLUS)
        subprocess.run([*CXX, "-O1", "-std=c++17", "-pthread", str(source), "-o", str(program)], check=True)
        for locks in ("none", "futex", "mcs,rw_futex", "ticket,rw_phasefair"):
            self.assertEqual("good\n", self.exec(locks, str(program)).stdout)

    def test_a_crash_is_told(self) -> None:
        said = self.exec("ticket", "sh", "-c", "kill -SEGV $$", code=128 + 11).stderr
        self.assertIn("'sh' died of signal 11", said)
        self.assertNotIn("died", self.exec("ticket", "sh", "-c", "kill -TERM $$", code=128 + 15).stderr)

    def test_spinners_in_order_on_too_few_cpus_are_warned_of_while_it_runs(self) -> None:
        n = len(os.sched_getaffinity(0)) + 1
        program = self.compile(f"pthread_t t[{n}]; for (int i = 0; i < {n}; i++) "
                               "pthread_create(&t[i], 0, lock_and_stay, 0); for (;;) pause();")
        process = self.start("exec", "--lock", "mcs", "--", program)
        assert process.stderr is not None
        first = process.stderr.readline()
        self.assertIn("mcs spins in order of arrival", first)
        process.send_signal(signal.SIGTERM)  # which is passed on
        self.assertEqual(128 + 15, process.wait(timeout=30))
        self.assertNotIn("in order of arrival", self.exec("futex", "true").stderr)

    def test_interruptions_are_the_program_s(self) -> None:
        program = self.compile('sigset_t s; int n; sigfillset(&s); sigprocmask(SIG_BLOCK, &s, 0); puts("ready");'
                               'fflush(stdout); sigwait(&s, &n); return n == SIGINT ? 3 : 4;')
        process = self.start("exec", "--lock", "mcs", "--", program)
        assert process.stdout is not None
        self.assertEqual("ready\n", process.stdout.readline())
        os.killpg(process.pid, signal.SIGINT)
        self.assertEqual(3, process.wait(timeout=30))

    def test_signals_to_lockbench_are_passed_on(self) -> None:
        program = self.compile('sigset_t s; int n; sigfillset(&s); sigprocmask(SIG_BLOCK, &s, 0); puts("ready");'
                               'fflush(stdout); sigwait(&s, &n); return n == SIGUSR1 ? 3 : n == SIGUSR2 ? 4 : 5;')
        for number, code in ((signal.SIGUSR1, 3), (signal.SIGUSR2, 4), (signal.SIGHUP, 5)):
            process = self.start("exec", "--lock", "mcs", "--", program)
            assert process.stdout is not None
            self.assertEqual("ready\n", process.stdout.readline())
            process.send_signal(number)
            self.assertEqual(code, process.wait(timeout=30))

    def test_a_process_that_goes_on_is_told(self) -> None:
        """And one that has ended is not."""
        program = self.compile('lock_some(0); int p[2]; if (pipe(p)) return 1; pid_t c = fork(); char b;'
                               'if (c == 0) { lock_some(0); close(1); close(2); close(p[1]); '
                               'if (getenv("STAYS")) pause(); _exit(0); } '
                               'close(p[1]); if (read(p[0], &b, 1)) return 1; printf("%d\\n", c);'
                               'return getenv("STAYS") || waitpid(c, NULL, 0) == c ? 0 : 1;', "-include", "sys/wait.h")
        result = self.exec("mcs", program, environment={"STAYS": "1"})
        child = int(result.stdout)
        self.addCleanup(os.kill, child, signal.SIGKILL)
        self.assertIn(f"process {child} of it goes on", result.stderr)
        self.assertNotIn("goes on", self.exec("mcs", program).stderr)

    def test_a_limit_of_file_sizes_is_told(self) -> None:
        result = subprocess.run(["sh", "-c", 'ulimit -f 1; exec "$@"', "sh", str(lockbench.PROGRAM), "exec", "--lock",
                                 "mcs", "--", "true"], text=True, capture_output=True, check=False)
        self.assertEqual((1, "lockbench: exec: cannot prepare the program: File too large\n"),
                         (result.returncode, result.stderr))

    def test_where_a_library_is_loaded_from_goes_by_its_caller(self) -> None:
        """dlopen from a library with a search path of its own."""
        inner, outer = self.folder / "inner", self.folder / "outer"
        inner.mkdir()
        outer.mkdir()
        (self.folder / "a.c").write_text("int answer(void); int answer(void) { return 42; }")
        (self.folder / "b.c").write_text('#include <dlfcn.h>\nint load(void); int load(void) { void *h = dlopen('
                                         '"liba.so", RTLD_NOW); int (*f)(void) = (int (*)(void))dlsym(h, "answer");'
                                         'return f(); }')
        subprocess.run([*CC, "-shared", "-fPIC", "a.c", "-o", "inner/liba.so"], check=True, cwd=self.folder)
        subprocess.run([*CC, "-shared", "-fPIC", "b.c", f"-Wl,-rpath,{inner}", "-o", "outer/libb.so"], check=True,
                       cwd=self.folder)
        program = self.compile("extern int load(void); lock_some(0); return load() == 42 ? 0 : 1;",
                               f"-L{outer}", "-lb", f"-Wl,-rpath,{outer}")
        self.exec("mcs", program)

    def test_a_preloaded_library_of_the_user_s_stays(self) -> None:
        (self.folder / "c.c").write_text("#include <unistd.h>\n__attribute__((constructor)) static void f(void) {"
                                         'if (write(1, "there\\n", 6) < 0) _exit(1); }')
        subprocess.run([*CC, "-shared", "-fPIC", "c.c", "-o", "libc_.so"], check=True, cwd=self.folder)
        result = self.exec("mcs", self.compile("lock_some(0); return 0;"),
                           environment={"LD_PRELOAD": str(self.folder / "libc_.so")})
        self.assertEqual("there\n" * 2, result.stdout)  # in lockbench, too
        self.assertIn("mcs: 1000 acquisitions", result.stderr)

    def test_under_another_it_takes_the_other_s_place(self) -> None:
        result = self.exec("mcs", str(lockbench.PROGRAM), "exec", "--lock", "ticket", "--", "sh", "-c",
                           'echo "$LD_PRELOAD"', environment={"LD_PRELOAD": "libc.so.6"})
        self.assertRegex(result.stdout, r"^libc\.so\.6:+[^:]*/lockbench-preload-ticket\.so\n$")

    def test_it_is_installed(self) -> None:
        if "BUILD" not in os.environ:
            self.skipTest("no build folder given")
        subprocess.run(["meson", "install", "-C", os.environ["BUILD"], "--no-rebuild", "--destdir", str(self.folder)],
                       check=True, stdout=subprocess.DEVNULL)
        program = next(path for path in self.folder.rglob("lockbench") if path.parent.name == "bin")
        result = subprocess.run([program, "exec", "--lock", "ticket", "--", "true"], text=True, check=False,
                                stderr=subprocess.PIPE)
        self.assertEqual(0, result.returncode, result.stderr)
        self.assertRegex(result.stderr, "^lockbench exec: ticket: ")

    def test_closed_descriptors_and_an_emptied_environment(self) -> None:
        body = 'for (int i = 3; i < 1024; i++) close(i); clearenv(); lock_some(0); return 0;'
        self.assertIn("mcs: 1000 acquisitions", self.exec("mcs", self.compile(body)).stderr)

    def test_the_same_in_a_copy_with_spaces_is_refused(self) -> None:
        folder = self.folder / "a b" / "bench"
        folder.mkdir(parents=True)
        program = folder / "lockbench"
        shutil.copy(lockbench.PROGRAM, program)
        libraries = Path(lockbench.PROGRAM).parents[1] / "src" / "preload"
        (folder.parent / "src").mkdir()
        (folder.parent / "src" / "preload").symlink_to(libraries)
        result = subprocess.run([program, "exec", "--lock", "mcs", "--", "true"], text=True, check=False,
                                stderr=subprocess.PIPE)
        self.assertEqual(2, result.returncode)
        self.assertIn("a space or a colon", result.stderr)


if __name__ == "__main__":
    lockbench.main()

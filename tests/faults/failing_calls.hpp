// Lets calls of the system fail, for tests: failing_calls.cpp is a library loaded before the C library that replaces these calls. A program that
// links it chooses the failures by these functions; any other program by LD_PRELOAD and environment variables:
//   FAIL_CALL     "write 12 28 once": the 12th write fails, with errno 28 (ENOSPC); "on" in the place of "once": and every one after it
//   FAIL_FOLDER   an absolute path: only calls on files below it count. Memory and threads count from the first such call on
//   FAIL_TRACE    a file that gets a line for each call that counts: its name, its number among those of its name, and its paths
// Names: open_read open_write read write fsync close_read close_write rename mkdir link unlink fstat flock, aligned_alloc malloc pthread_create.
#pragma once

extern "C" {

/// From now on, call number `at` (from 1) of those called `name` fails with errno `error`; with `onwards` all after it too. An `at` of 0: none does.
void fail_call(const char* name, long at, int error, bool onwards);
/// Calls of this name since the last fail_call.
long calls_counted(const char* name);
/// Only calls on files below this absolute path count.
void count_below(const char* folder);
}

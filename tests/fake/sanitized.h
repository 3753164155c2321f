/* How much less a random test does where a sanitizer makes each step dear. */
#ifndef CARETAKER_TESTS_FAKE_SANITIZED_H
#define CARETAKER_TESTS_FAKE_SANITIZED_H

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED_SLOWER 10
#else
#define SANITIZED_SLOWER 1
#endif

#endif

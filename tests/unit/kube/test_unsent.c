/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "fake_api.h"

#include <plimsoll/api.h>
#include <plimsoll/kube.h>

#include <sys/time.h>

/* A server that takes connections and does not read. */
struct deaf {
    struct fake_api api; /* only its port */
    int listener;
};

static int setup(void **state)
{
    struct deaf *deaf = plimsoll_alloc(1, sizeof *deaf);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int room = 4096;
    deaf->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(setsockopt(deaf->listener, SOL_SOCKET, SO_RCVBUF, &room, sizeof room), 0);
    assert_int_equal(bind(deaf->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(deaf->listener, 8), 0);
    assert_int_equal(getsockname(deaf->listener, (struct sockaddr *)&address, &size), 0);
    deaf->api.port = ntohs(address.sin_port);
    *state = deaf;
    return 0;
}

static int teardown(void **state)
{
    struct deaf *deaf = *state;
    close(deaf->listener);
    free(deaf);
    return 0;
}

/* Posts and gives up. */
static struct plimsoll_api_answer post(const struct deaf *deaf, size_t body_size)
{
    struct plimsoll_error err = {0};
    struct plimsoll_kube *kube = NULL;
    plimsoll_autofree char *file = fake_kubeconfig(&deaf->api, "", "{token: secret}");
    plimsoll_autofree char *body = plimsoll_alloc(body_size, 1);
    memset(body, 'x', body_size);
    if (plimsoll_kube_new(&(struct plimsoll_kube_options){.kubeconfig = file}, &kube, &err) < 0) {
        fail_msg("%s", err.message);
    }
    struct plimsoll_api_answer answer = plimsoll_api_call(
        kube, &(struct plimsoll_api_request){.method = "POST",
                                             .path = "/",
                                             .body = {.data = body, .size = body_size},
                                             .timeout_ms = 2000});
    plimsoll_kube_free(&kube);
    unlink(file);
    return answer;
}

/* What the other side gets in all, now that it reads. */
static size_t drain(const struct deaf *deaf)
{
    static char bytes[64u * 1024];
    int fd = accept(deaf->listener, NULL, NULL);
    struct timeval patience = {.tv_sec = 120};
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    size_t total = 0;
    for (ssize_t got; (got = recv(fd, bytes, sizeof bytes, 0)) > 0;) {
        total += (size_t)got;
    }
    close(fd);
    return total;
}

static void what_the_kernel_still_held_of_a_request_that_was_given_up_never_arrives(void **state)
{
    /* Handed over whole: the kernel would deliver it without us. */
    static const size_t size = 256u * 1024;
    struct plimsoll_api_answer answer = post(*state, size);
    assert_int_equal(answer.status, 0);
    assert_true(answer.sent);
    assert_true(drain(*state) < size);
    plimsoll_api_answer_clear(&answer);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_the_kernel_still_held_of_a_request_that_was_given_up_never_arrives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

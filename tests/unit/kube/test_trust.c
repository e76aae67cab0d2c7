/* SPDX-License-Identifier: Apache-2.0 */
/* The Secret with the CA, the caBundle and the ConfigMap: what is asked, what is written, what is
 * taken. */
#include "unit.h"

#include "recorded_api.h"

#include <plimsoll/trust.h>

#include <jansson.h>

#define SECRET   "/api/v1/namespaces/gpu%20things/secrets/plimsoll-tls"
#define MAP      "/api/v1/namespaces/gpu%20things/configmaps/plimsoll-ca"
#define WEBHOOKS "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/plimsoll"

/* "Y2E=" is "ca", "a2V5" is "key". */
static const char filled[] =
    "{\"kind\":\"Secret\",\"metadata\":{\"name\":\"plimsoll-tls\",\"resourceVersion\":\"7\","
    "\"labels\":{\"a\":\"b\"}},\"data\":{\"ca.crt\":\"Y2E=\",\"ca.key\":\"a2V5\",\"other\":\"eA=="
    "\"},"
    "\"type\":\"Opaque\"}";
static const char empty[] = "{\"kind\":\"Secret\",\"metadata\":{\"name\":\"plimsoll-tls\","
                            "\"resourceVersion\":\"6\"},\"type\":\"Opaque\"}";
static const char two_webhooks[] =
    "{\"kind\":\"MutatingWebhookConfiguration\",\"metadata\":{\"name\":\"plimsoll\","
    "\"uid\":\"5c9a3a52\"},\"webhooks\":[{\"name\":\"pods.plimsoll.dev\",\"clientConfig\":"
    "{\"caBundle\":\"Y2E=\",\"service\":{\"name\":\"plimsoll\"}}},{\"name\":\"more.plimsoll.dev\","
    "\"clientConfig\":{\"service\":{\"name\":\"plimsoll\"}}}]}";

#define autosecret __attribute__((cleanup(plimsoll_secret_clear))) struct plimsoll_secret
#define autotrust  __attribute__((cleanup(plimsoll_trust_clear))) struct plimsoll_trust

static json_t *body(const struct recorded_api *api, size_t number)
{
    json_t *object = json_loadb(api->bodies[number].data, api->bodies[number].size,
                                JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(object);
    return object;
}

static void assert_text(const struct plimsoll_text *text, const char *expected)
{
    assert_true(plimsoll_span_is(plimsoll_text_span(text), expected));
}

static int read_secret(struct recorded_api *api, struct plimsoll_secret *secret,
                       struct plimsoll_error *err)
{
    return plimsoll_kube_read_secret(api->kube, "gpu things", "plimsoll-tls", secret, err);
}

static int write_secret(struct recorded_api *api, const struct plimsoll_secret *secret,
                        struct plimsoll_error *err)
{
    return plimsoll_kube_write_secret(api->kube, "gpu things", "plimsoll-tls", secret,
                                      plimsoll_span_of("new ca"), plimsoll_span_of("new key"), err);
}

/* -- the Secret ----------------------------------------------------------------------------------
 */

static void a_secret_is_read_with_its_ca(void **state)
{
    struct recorded_api *api = *state;
    struct plimsoll_error err = {0};
    autosecret secret = {0};
    recorded_give(api, "200 OK", filled);
    assert_int_equal(read_secret(api, &secret, &err), 0);
    assert_true(recorded_head_starts(api, 0, "GET " SECRET " HTTP"));
    assert_text(&secret.certificates, "ca");
    assert_text(&secret.keys, "key");
}

static void a_secret_without_data_or_with_none_of_ours_is_empty(void **state)
{
    static const char *const bodies[] = {
        empty,
        "{\"kind\":\"Secret\",\"data\":null}",
        "{\"kind\":\"Secret\",\"data\":{\"ca.crt\":7,\"ca.key\":\"***\"}}",
        "{\"kind\":\"Secret\",\"data\":{\"ca.crt\":\"\",\"tls.crt\":\"eA==\"}}",
        "{\"kind\":\"Secret\",\"data\":[]}",
    };
    struct recorded_api *api = *state;
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct plimsoll_error err = {0};
        autosecret secret = {0};
        api->answer_count = 0;
        recorded_give(api, "200 OK", bodies[i]);
        assert_int_equal(read_secret(api, &secret, &err), 0);
        assert_int_equal(secret.certificates.size, 0);
        assert_int_equal(secret.keys.size, 0);
    }
}

static void failures_have_their_kind_and_change_nothing(void **state)
{
    static const struct {
        struct recorded_answer answer;
        enum plimsoll_error_kind kind;
    } cases[] = {
        {{"404 Not Found", "{\"message\":\"not found\"}"}, PLIMSOLL_ERR_NOT_FOUND},
        {{"403 Forbidden", "{\"message\":\"not for you\"}"}, PLIMSOLL_ERR_DENIED},
        {{"409 Conflict", "{\"message\":\"modified\"}"}, PLIMSOLL_ERR_CONFLICT},
        {{"500 Internal Server Error", ""}, PLIMSOLL_ERR_UNAVAILABLE},
        {{"200 OK", ""}, PLIMSOLL_ERR_INVALID},
        {{"200 OK", "{"}, PLIMSOLL_ERR_INVALID},
        {{"200 OK", "[]"}, PLIMSOLL_ERR_INVALID},
        {{"200 OK", "{\"kind\":\"ConfigMap\"}"}, PLIMSOLL_ERR_INVALID},
        {{"200 OK", "{\"kind\":\"Secret\",\"kind\":\"Secret\"}"}, PLIMSOLL_ERR_INVALID},
    };
    struct recorded_api *api = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct plimsoll_error err = {0};
        struct plimsoll_secret secret = {.object = {.size = 42}};
        struct plimsoll_trust trust = {.count = 42};
        api->answer_count = 0;
        recorded_give(api, cases[i].answer.status, cases[i].answer.body);
        assert_int_equal(read_secret(api, &secret, &err), -1);
        assert_int_equal(err.kind, cases[i].kind);
        assert_int_equal(secret.object.size, 42);
        assert_int_equal(plimsoll_kube_read_trust(api->kube, "plimsoll", &trust, &err), -1);
        assert_int_equal(err.kind, cases[i].kind);
        assert_int_equal(trust.count, 42);
        assert_true(err.message[0] != '\0');
    }
}

static void a_secret_is_written_back_with_its_version_and_all_else_it_had(void **state)
{
    struct recorded_api *api = *state;
    struct plimsoll_error err = {0};
    autosecret secret = {0};
    recorded_give(api, "200 OK", filled);
    assert_int_equal(read_secret(api, &secret, &err), 0);
    assert_int_equal(write_secret(api, &secret, &err), 0);
    assert_true(recorded_head_starts(api, 1, "PUT " SECRET "?fieldManager=plimsoll HTTP"));
    json_auto_t *written = body(api, 1);
    json_auto_t *expected = json_loads(filled, 0, NULL);
    json_t *data = json_object_get(expected, "data");
    json_object_set_new(data, "ca.crt", json_string("bmV3IGNh"));
    json_object_set_new(data, "ca.key", json_string("bmV3IGtleQ=="));
    assert_true(json_equal(written, expected));
}

static void a_secret_without_data_gets_some(void **state)
{
    struct recorded_api *api = *state;
    struct plimsoll_error err = {0};
    autosecret secret = {0};
    recorded_give(api, "200 OK", empty);
    assert_int_equal(read_secret(api, &secret, &err), 0);
    assert_int_equal(write_secret(api, &secret, &err), 0);
    json_auto_t *written = body(api, 1);
    assert_int_equal(json_object_size(json_object_get(written, "data")), 2);
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(written, "metadata"), "resourceVersion")),
        "6");
}

static void a_secret_that_changed_meanwhile_is_a_conflict(void **state)
{
    struct recorded_api *api = *state;
    struct plimsoll_error err = {0};
    autosecret secret = {0};
    recorded_give(api, "200 OK", empty);
    recorded_give(api, "409 Conflict", "{\"message\":\"the object has been modified\"}");
    assert_int_equal(read_secret(api, &secret, &err), 0);
    assert_int_equal(write_secret(api, &secret, &err), -1);
    assert_int_equal(err.kind, PLIMSOLL_ERR_CONFLICT);
    assert_non_null(strstr(err.message, "the object has been modified"));
}

/* -- the caBundle --------------------------------------------------------------------------------
 */

static void each_webhook_is_read_with_its_bundle(void **state)
{
    struct recorded_api *api = *state;
    struct plimsoll_error err = {0};
    autotrust trust = {0};
    recorded_give(api, "200 OK", two_webhooks);
    assert_int_equal(plimsoll_kube_read_trust(api->kube, "plimsoll", &trust, &err), 0);
    assert_true(recorded_head_starts(api, 0, "GET " WEBHOOKS " HTTP"));
    assert_int_equal(trust.count, 2);
    assert_string_equal(trust.webhooks[0].name, "pods.plimsoll.dev");
    assert_text(&trust.webhooks[0].bundle, "ca");
    assert_string_equal(trust.webhooks[1].name, "more.plimsoll.dev");
    assert_int_equal(trust.webhooks[1].bundle.size, 0);
}

static void only_names_and_bundles_are_applied_to_the_object_that_was_read(void **state)
{
    struct recorded_api *api = *state;
    struct plimsoll_error err = {0};
    autotrust trust = {0};
    recorded_give(api, "200 OK", two_webhooks);
    assert_int_equal(plimsoll_kube_read_trust(api->kube, "plimsoll", &trust, &err), 0);
    assert_int_equal(
        plimsoll_kube_write_trust(api->kube, "plimsoll", plimsoll_span_of("new ca"), &trust, &err),
        0);
    assert_true(
        recorded_head_starts(api, 1, "PATCH " WEBHOOKS "?fieldManager=plimsoll&force=true HTTP"));
    assert_true(recorded_head_has(api, 1, "Content-Type: application/apply-patch+yaml\r\n"));
    json_auto_t *applied = body(api, 1);
    json_auto_t *expected =
        json_pack("{s:s, s:s, s:{s:s, s:s}, s:[{s:s, s:{s:s}}, {s:s, s:{s:s}}]}", "apiVersion",
                  "admissionregistration.k8s.io/v1", "kind", "MutatingWebhookConfiguration",
                  "metadata", "name", "plimsoll", "uid", "5c9a3a52", "webhooks", "name",
                  "pods.plimsoll.dev", "clientConfig", "caBundle", "bmV3IGNh", "name",
                  "more.plimsoll.dev", "clientConfig", "caBundle", "bmV3IGNh");
    assert_true(json_equal(applied, expected));
}

static void what_it_is_after_the_patch_is_what_the_answer_says(void **state)
{
    struct recorded_api *api = *state;
    struct plimsoll_error err = {0};
    autotrust trust = {0};
    recorded_give(api, "200 OK", two_webhooks);
    recorded_give(api, "200 OK",
                  "{\"kind\":\"MutatingWebhookConfiguration\",\"metadata\":{\"uid\":\"5c9a3a52\"},"
                  "\"webhooks\":[{\"name\":\"a\",\"clientConfig\":{\"caBundle\":\"bmV3IGNh\"}}]}");
    recorded_give(api, "409 Conflict", "{\"message\":\"another uid\"}");
    assert_int_equal(plimsoll_kube_read_trust(api->kube, "plimsoll", &trust, &err), 0);
    assert_int_equal(
        plimsoll_kube_write_trust(api->kube, "plimsoll", plimsoll_span_of("x"), &trust, &err), 0);
    assert_int_equal(trust.count, 1);
    assert_text(&trust.webhooks[0].bundle, "new ca");
    assert_int_equal(
        plimsoll_kube_write_trust(api->kube, "plimsoll", plimsoll_span_of("x"), &trust, &err), -1);
    assert_int_equal(err.kind, PLIMSOLL_ERR_CONFLICT);
    assert_int_equal(trust.count, 1);
}

/* A configuration of so many webhooks, as text. The caller clears it. */
static struct plimsoll_text many(unsigned count)
{
    struct plimsoll_text text = plimsoll_text_make(1u << 20);
    plimsoll_text_add_string(&text, "{\"kind\":\"MutatingWebhookConfiguration\",\"webhooks\":[");
    for (unsigned i = 0; i < count; i++) {
        plimsoll_text_add_format(&text, "%s{\"name\":\"w%u\"}", i > 0 ? "," : "", i);
    }
    plimsoll_text_add_string(&text, "]}");
    return text;
}

static void plimsoll_webhooks_max_webhooks_are_taken_and_more_are_refused(void **state)
{
    struct recorded_api *api = *state;
    struct plimsoll_error err = {0};
    autotrust trust = {0}, none = {0};
    plimsoll_autotext most = many(PLIMSOLL_WEBHOOKS_MAX), more = many(PLIMSOLL_WEBHOOKS_MAX + 1);
    recorded_give(api, "200 OK", most.data);
    recorded_give(api, "200 OK", more.data);
    assert_int_equal(plimsoll_kube_read_trust(api->kube, "plimsoll", &trust, &err), 0);
    assert_int_equal(trust.count, PLIMSOLL_WEBHOOKS_MAX);
    assert_int_equal(plimsoll_kube_read_trust(api->kube, "plimsoll", &none, &err), -1);
    assert_int_equal(err.kind, PLIMSOLL_ERR_INVALID);
    assert_int_equal(none.count, 0);
}

static void odd_webhooks_do_no_harm(void **state)
{
    static const char *const bodies[] = {
        "{\"kind\":\"MutatingWebhookConfiguration\"}",
        "{\"kind\":\"MutatingWebhookConfiguration\",\"metadata\":7,\"webhooks\":{}}",
        "{\"kind\":\"MutatingWebhookConfiguration\",\"webhooks\":[7,null,{\"name\":{}}]}",
        "{\"kind\":\"MutatingWebhookConfiguration\",\"webhooks\":[{\"name\":\"\\\"\"}]}",
        "{\"kind\":\"MutatingWebhookConfiguration\",\"webhooks\":[{\"clientConfig\":7}]}",
    };
    struct recorded_api *api = *state;
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct plimsoll_error err = {0};
        autotrust trust = {0};
        api->answer_count = 0;
        recorded_give(api, "200 OK", bodies[i]);
        assert_int_equal(plimsoll_kube_read_trust(api->kube, "plimsoll", &trust, &err), 0);
        assert_int_equal(
            plimsoll_kube_write_trust(api->kube, "plimsoll", plimsoll_span_of("x"), &trust, &err),
            0);
    }
}

/* -- the ConfigMap -------------------------------------------------------------------------------
 */

static int publish(struct recorded_api *api, bool *written, struct plimsoll_error *err)
{
    return plimsoll_kube_publish_ca(api->kube, "gpu things", "plimsoll-ca",
                                    plimsoll_span_of("a\nb"), written, err);
}

static void a_config_map_that_differs_gets_the_bundle_and_nothing_else(void **state)
{
    static const char *const bodies[] = {
        "{\"kind\":\"ConfigMap\",\"metadata\":{\"uid\":\"5c9a3a52\"}}",
        "{\"kind\":\"ConfigMap\",\"metadata\":{\"uid\":\"5c9a3a52\"},\"data\":{\"ca.crt\":\"a\"}}",
        "{\"kind\":\"ConfigMap\",\"metadata\":{\"uid\":\"5c9a3a52\"},\"data\":[]}",
        "{\"kind\":\"ConfigMap\",\"metadata\":{\"uid\":\"5c9a3a52\"},\"data\":{\"ca.crt\":7}}",
    };
    struct recorded_api *api = *state;
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct plimsoll_error err = {0};
        bool written = false;
        size_t asked = api->asked;
        recorded_give(api, "200 OK", bodies[i]);
        recorded_give(api, "200 OK", "{}");
        assert_int_equal(publish(api, &written, &err), 0);
        assert_true(written);
        assert_true(recorded_head_starts(api, asked, "GET " MAP " HTTP"));
        assert_true(recorded_head_starts(api, asked + 1,
                                         "PATCH " MAP "?fieldManager=plimsoll&force=true HTTP"));
        assert_true(
            recorded_head_has(api, asked + 1, "Content-Type: application/apply-patch+yaml\r\n"));
        json_auto_t *applied = body(api, asked + 1);
        json_auto_t *expected = json_pack("{s:s, s:s, s:{s:s, s:s}, s:{s:s}}", "apiVersion", "v1",
                                          "kind", "ConfigMap", "metadata", "name", "plimsoll-ca",
                                          "uid", "5c9a3a52", "data", "ca.crt", "a\nb");
        assert_true(json_equal(applied, expected));
    }
}

static void a_config_map_that_has_the_bundle_is_left_alone(void **state)
{
    struct recorded_api *api = *state;
    struct plimsoll_error err = {0};
    bool written = true;
    recorded_give(api, "200 OK",
                  "{\"kind\":\"ConfigMap\",\"data\":{\"ca.crt\":\"a\\nb\",\"mine\":\"x\"}}");
    assert_int_equal(publish(api, &written, &err), 0);
    assert_false(written);
    assert_int_equal(api->asked, 1);
}

static void a_config_map_that_cannot_be_read_or_written_is_named(void **state)
{
    struct recorded_api *api = *state;
    struct plimsoll_error err = {0};
    bool written = true;
    recorded_give(api, "404 Not Found", "{\"message\":\"not found\"}");
    assert_int_equal(publish(api, &written, &err), -1);
    assert_int_equal(err.kind, PLIMSOLL_ERR_NOT_FOUND);
    assert_string_equal(err.message, "ConfigMap plimsoll-ca: not found");
    recorded_give(api, "200 OK", "{\"kind\":\"Secret\"}");
    assert_int_equal(publish(api, &written, &err), -1);
    assert_int_equal(err.kind, PLIMSOLL_ERR_INVALID);
    recorded_give(api, "200 OK", "{\"kind\":\"ConfigMap\"}");
    recorded_give(api, "403 Forbidden", "{\"message\":\"not for you\"}");
    assert_int_equal(publish(api, &written, &err), -1);
    assert_int_equal(err.kind, PLIMSOLL_ERR_DENIED);
    assert_true(written);
}

#define test(name) cmocka_unit_test_setup_teardown(name, recorded_setup, recorded_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_secret_is_read_with_its_ca),
        test(a_secret_without_data_or_with_none_of_ours_is_empty),
        test(failures_have_their_kind_and_change_nothing),
        test(a_secret_is_written_back_with_its_version_and_all_else_it_had),
        test(a_secret_without_data_gets_some),
        test(a_secret_that_changed_meanwhile_is_a_conflict),
        test(each_webhook_is_read_with_its_bundle),
        test(only_names_and_bundles_are_applied_to_the_object_that_was_read),
        test(what_it_is_after_the_patch_is_what_the_answer_says),
        test(plimsoll_webhooks_max_webhooks_are_taken_and_more_are_refused),
        test(odd_webhooks_do_no_harm),
        test(a_config_map_that_differs_gets_the_bundle_and_nothing_else),
        test(a_config_map_that_has_the_bundle_is_left_alone),
        test(a_config_map_that_cannot_be_read_or_written_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

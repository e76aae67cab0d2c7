/* SPDX-License-Identifier: Apache-2.0 */
/* A configuration of any bytes: refused with a sentence that names the file, or complete. */
#include <plimsoll/config.h>

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_profile(const struct plimsoll_config *config,
                          const struct plimsoll_profile *profile)
{
    assert(profile->name != NULL && profile->name[0] != '\0');
    assert(profile->vendor != PLIMSOLL_VENDOR_NONE);
    assert((profile->runtime_class == NULL) == (profile->runtime_class_index < 0));
    assert(profile->runtime_class_index < (int)config->runtime_classes.count);
    for (size_t i = 0; i < profile->resources.count; i++) {
        struct plimsoll_span name = plimsoll_span_of(profile->resources.list[i]);
        assert(plimsoll_resources_find(&config->reading.resources, name) != NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct plimsoll_span yaml = {.data = (const char *)data, .size = size};
    struct plimsoll_config *config = NULL;
    struct plimsoll_error err = {0};
    if (plimsoll_config_parse(yaml, "fuzz.yaml", &config, &err) != 0) {
        assert(config == NULL && strncmp(err.message, "fuzz.yaml:", 10) == 0);
        return 0;
    }
    assert(config->profile_count >= 4 && config->profile_count <= PLIMSOLL_PROFILES_MAX);
    assert(config->reading.selector_count <= PLIMSOLL_SELECTORS_MAX);
    assert(config->max_report_age_ms > 0);
    assert(config->placement.reserve_percent_milli < 100000);
    for (size_t i = 0; i < config->profile_count; i++) {
        check_profile(config, &config->profiles[i]);
    }
    plimsoll_config_free(&config);
    return 0;
}

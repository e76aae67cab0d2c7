/* SPDX-License-Identifier: Apache-2.0 */
/* The values of NVIDIA_VISIBLE_DEVICES, as the container toolkit reads them. */
#include <plimsoll/pod.h>

enum plimsoll_visible plimsoll_visible_parse(struct plimsoll_span literal)
{
    struct plimsoll_span rest = plimsoll_span_trim(literal), part;
    enum plimsoll_visible first = PLIMSOLL_VISIBLE_LIST;
    if (rest.size == 0) {
        return PLIMSOLL_VISIBLE_NONE;
    }
    while (plimsoll_span_cut(&rest, ',', &part)) {
        struct plimsoll_span token = plimsoll_span_trim(part);
        if (plimsoll_span_is(token, "void")) {
            return PLIMSOLL_VISIBLE_NONE;
        }
        if (first != PLIMSOLL_VISIBLE_LIST) {
            continue;
        }
        first = plimsoll_span_is(token, "all")    ? PLIMSOLL_VISIBLE_ALL
                : plimsoll_span_is(token, "none") ? PLIMSOLL_VISIBLE_NONE
                                                  : PLIMSOLL_VISIBLE_LIST;
    }
    return first;
}

bool plimsoll_visible_is_ours(struct plimsoll_span field_path)
{
    static const char head[] = "metadata.annotations['" PLIMSOLL_ANNOTATION_VISIBLE;
    static const char tail[] = "']";
    if (!plimsoll_span_starts(field_path, head)) {
        return false;
    }
    struct plimsoll_span rest = {.data = field_path.data + sizeof head - 1,
                                 .size = field_path.size - (sizeof head - 1)};
    if (rest.size < sizeof tail - 1 ||
        memcmp(rest.data + rest.size - (sizeof tail - 1), tail, sizeof tail - 1) != 0) {
        return false;
    }
    rest.size -= sizeof tail - 1;
    if (rest.size == 0) {
        return true;
    }
    unsigned long long number;
    struct plimsoll_span digits = {.data = rest.data + 1, .size = rest.size - 1};
    return rest.data[0] == '.' && plimsoll_span_decimal(digits, &number) && number > 0;
}

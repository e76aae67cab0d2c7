/* SPDX-License-Identifier: Apache-2.0 */
#include "bookings.h"

#include "find.h"
#include "floating.h"
#include "want.h"

/* Why a uid matters here; of two entries with one uid the first kind counts. */
enum role {
    ROLE_WITHOUT, /* the one who asks: not there, and its bytes go with it */
    ROLE_POD,     /* an unfinished pod */
    ROLE_HELD,    /* one that will likely come */
    ROLE_ENDED,   /* gone since the report, and its bytes with it */
    ROLE_NAMED,   /* known from the report only, where there is no picture of pods */
};

struct party {
    const struct plimsoll_uid *uid;
    const struct plimsoll_pod *pod; /* ROLE_POD, ROLE_HELD */
    enum role role;
    bool claimed;         /* its claim is for this node */
    uint64_t holds, uses; /* cards, by the report */
    uint64_t on;          /* cards where it is booked */
    uint64_t used;        /* bytes on the card that is being looked at */
};

/* A demand whose card is not known yet. */
struct floating {
    uint64_t bytes;
    uint64_t elsewhere; /* cards where it is booked already, so not once more */
    bool plugin;        /* takes a device of the plugin's, so there are only so many on a card */
};

struct count {
    const struct plimsoll_node *node;
    const struct plimsoll_placement_settings *settings;
    const struct plimsoll_node_load *load;
    struct plimsoll_booking *bookings;
    struct party *parties;
    size_t party_count;
    struct floating *floating;
    size_t floating_count;
    uint64_t candidates; /* NVIDIA cards that are not split: where pods without a known card are */
};

static int compare_uids(const struct plimsoll_uid *a, const struct plimsoll_uid *b)
{
    return strncmp(a->text, b->text, sizeof a->text);
}

static int compare_parties(const void *left, const void *right)
{
    const struct party *a = left, *b = right;
    int order = compare_uids(a->uid, b->uid);
    return order != 0 ? order : (int)a->role - (int)b->role;
}

/* A few is usual, and for them the library's sort is mostly preparation. */
static void sort_parties(struct party *parties, size_t count)
{
    enum { FEW = 16 };
    if (count > FEW) {
        qsort(parties, count, sizeof *parties, compare_parties);
        return;
    }
    for (size_t i = 1; i < count; i++) {
        struct party party = parties[i];
        size_t at = i;
        for (; at > 0 && compare_parties(&parties[at - 1], &party) > 0; at--) {
            parties[at] = parties[at - 1];
        }
        parties[at] = party;
    }
}

static int compare_floating(const void *left, const void *right)
{
    const struct floating *a = left, *b = right;
    return a->bytes < b->bytes ? 1 : a->bytes > b->bytes ? -1 : 0;
}

static struct party *find_party(const struct count *count, const struct plimsoll_uid *uid)
{
    size_t low = 0, high = count->party_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_uids(uid, count->parties[middle].uid);
        if (order == 0) {
            return &count->parties[middle];
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return NULL;
}

static bool is_there(const struct party *party)
{
    return party &&
           (party->role == ROLE_POD || party->role == ROLE_HELD || party->role == ROLE_NAMED);
}

static void add_party(struct count *count, const struct plimsoll_uid *uid,
                      const struct plimsoll_pod *pod, enum role role)
{
    count->parties[count->party_count++] = (struct party){.uid = uid, .pod = pod, .role = role};
}

static bool is_claimed(const struct count *count, const struct plimsoll_pod *pod)
{
    return plimsoll_pod_claimed(pod) && strcmp(pod->claim.node, count->node->name) == 0;
}

/* Sent here by the scheduler's preemption, but not on its way yet. */
static bool is_nominated(const struct plimsoll_pod *pod)
{
    return !plimsoll_pod_claimed(pod) && (!pod->node || pod->node[0] == '\0');
}

static void add_pods(struct count *count, const struct plimsoll_node_view *view,
                     const struct plimsoll_uid *without, int32_t priority, bool *nominated)
{
    for (size_t i = 0; i < view->pod_count; i++) {
        const struct plimsoll_pod *pod = view->pods[i];
        bool unbound = !pod->node || pod->node[0] == '\0';
        if (unbound && plimsoll_pod_claimed(pod) && !is_claimed(count, pod)) {
            continue; /* on its way to another node */
        }
        bool itself = without && compare_uids(&pod->uid, without) == 0;
        if (is_nominated(pod) && !itself) {
            *nominated = true;
            if (pod->priority < priority) {
                continue;
            }
        }
        add_party(count, &pod->uid, pod, itself ? ROLE_WITHOUT : ROLE_POD);
        count->parties[count->party_count - 1].claimed = is_claimed(count, pod);
    }
}

/* A pod that is counted already is not counted once more: gather_parties keeps its first entry. */
static void add_holds(struct count *count, const struct plimsoll_node_view *view,
                      const struct plimsoll_uid *without)
{
    for (size_t i = 0; i < view->hold_count; i++) {
        const struct plimsoll_pod *pod = view->holds[i];
        if (!without || compare_uids(&pod->uid, without) != 0) {
            add_party(count, &pod->uid, pod, ROLE_HELD);
            count->parties[count->party_count - 1].claimed = is_claimed(count, pod);
        }
    }
}

static void add_named(struct count *count)
{
    for (uint32_t i = 0; i < count->load->card_count; i++) {
        const struct plimsoll_card *card = &count->node->cards[i];
        for (uint32_t j = 0; j < card->holder_count; j++) {
            add_party(count, &card->holders[j], NULL, ROLE_NAMED);
        }
        for (uint32_t j = 0; j < card->pod_count; j++) {
            add_party(count, &card->pods[j].pod, NULL, ROLE_NAMED);
        }
    }
}

static size_t count_uids(const struct plimsoll_node_view *view)
{
    size_t uids = view->pod_count + view->hold_count + view->ended_count + 1;
    for (uint32_t i = 0; i < view->node->card_count && !view->pods_known; i++) {
        uids += view->node->cards[i].holder_count;
        uids += view->node->cards[i].pod_count;
    }
    return uids;
}

/* Everybody who can matter, once each, in order of uid. @return true when pods are nominated. */
static bool gather_parties(struct count *count, const struct plimsoll_node_view *view,
                           const struct plimsoll_uid *without, int32_t priority)
{
    bool nominated = false;
    count->parties = plimsoll_realloc(NULL, count_uids(view), sizeof *count->parties);
    if (without) {
        add_party(count, without, NULL, ROLE_WITHOUT);
    }
    add_pods(count, view, without, priority, &nominated);
    add_holds(count, view, without);
    for (size_t i = 0; i < view->ended_count; i++) {
        add_party(count, &view->ended[i], NULL, ROLE_ENDED);
    }
    if (!view->pods_known) {
        add_named(count);
    }
    sort_parties(count->parties, count->party_count);
    size_t kept = 0;
    for (size_t i = 0; i < count->party_count; i++) {
        if (kept == 0 || compare_uids(count->parties[kept - 1].uid, count->parties[i].uid) != 0) {
            count->parties[kept++] = count->parties[i];
        }
    }
    count->party_count = kept;
    return nominated;
}

static void read_report(struct count *count)
{
    for (uint32_t i = 0; i < count->load->card_count; i++) {
        const struct plimsoll_card *card = &count->node->cards[i];
        for (uint32_t j = 0; j < card->holder_count; j++) {
            struct party *holder = find_party(count, &card->holders[j]);
            if (is_there(holder)) {
                holder->holds |= UINT64_C(1) << i;
                count->bookings[i].taken++;
            }
        }
        for (uint32_t j = 0; j < card->pod_count; j++) {
            struct party *user = find_party(count, &card->pods[j].pod);
            if (user) {
                user->uses |= UINT64_C(1) << i;
                count->bookings[i].measured =
                    plus(count->bookings[i].measured, card->pods[j].bytes);
            }
        }
    }
}

/* What a party without a claimed card has on card `i`. Where a claim says 0 bytes nobody knew the
 * memory when it was made: there it is worth the default. */
static uint64_t unplaced_on(const struct count *count, const struct party *party, uint32_t i)
{
    const struct plimsoll_load *card = &count->load->cards[i];
    const struct plimsoll_pod *pod = party->pod;
    uint64_t claimed =
        party->claimed ? floating_on(count->node, count->load->card_count, &pod->claim, i) : 0;
    if (claimed > 0) {
        return claimed;
    }
    if (!pod || pod->refusal || party->claimed) {
        return default_on(card, count->node->mps, count->settings);
    }
    return want_on(card, &pod->demand, count->node->mps, count->settings);
}

static uint64_t claimed_on(const struct count *count, const struct plimsoll_claim_card *card,
                           uint32_t i)
{
    return card->vram > 0 ? card->vram
                          : default_on(&count->load->cards[i], count->node->mps, count->settings);
}

static uint64_t demand_on(const struct count *count, const struct party *party, uint32_t i)
{
    if ((party->on >> i & 1) == 0) {
        return 0;
    }
    if (!party->claimed || party->pod->claim.card_count == 0) {
        return unplaced_on(count, party, i);
    }
    uint64_t bytes = 0, lost = 0;
    for (uint32_t j = 0; j < party->pod->claim.card_count; j++) {
        const struct plimsoll_claim_card *card = &party->pod->claim.cards[j];
        int at = find_card(count->node, count->load->card_count, card->id);
        if (at == (int)i) {
            bytes = plus(bytes, claimed_on(count, card, i));
        } else if (at < 0) {
            lost = larger(lost, claimed_on(count, card, i));
        }
    }
    return bytes > 0 ? bytes : lost; /* it came here for one that has gone */
}

static void float_bytes(struct count *count, const struct party *party, uint64_t bytes, bool plugin)
{
    count->floating[count->floating_count++] =
        (struct floating){.bytes = bytes, .elsewhere = party->on, .plugin = plugin};
}

/* @return the largest of what the claim has on cards that are not known here. */
static uint64_t place_claim(struct count *count, struct party *party)
{
    uint64_t lost = 0;
    for (uint32_t j = 0; j < party->pod->claim.card_count; j++) {
        const struct plimsoll_claim_card *card = &party->pod->claim.cards[j];
        int i = find_card(count->node, count->load->card_count, card->id);
        if (i < 0) {
            lost = larger(lost, larger(card->vram, 1));
            continue;
        }
        party->on |= UINT64_C(1) << i;
        if (card->idle != UINT64_MAX) {
            struct plimsoll_booking *booking = &count->bookings[i];
            booking->idle = larger(booking->idle, card->idle);
            booking->idle_known = true;
        }
    }
    return lost;
}

/* The kubelet names all cards of a pod at once; a measurement may come before a pod uses all. */
static uint32_t cards_still_unknown(const struct party *party)
{
    bool claimed = party->claimed && party->pod->claim.floating_cards > 0;
    uint32_t cards = claimed ? party->pod->claim.floating_cards : party->pod->demand.cards;
    uint32_t known = (uint32_t)__builtin_popcountll(party->on);
    cards = cards > 0 ? cards : 1;
    return party->holds != 0 || cards <= known ? 0 : cards - known;
}

static uint64_t largest_on(const struct count *count, const struct party *party, uint64_t cards)
{
    uint64_t bytes = 0;
    for (; cards != 0; cards &= cards - 1) {
        bytes = larger(bytes, unplaced_on(count, party, (uint32_t)__builtin_ctzll(cards)));
    }
    return bytes;
}

/* Two devices of the plugin may be one shared card, so a pod of two need not be on two. */
static bool may_share_a_card(const struct count *count, const struct party *party)
{
    bool shared = false;
    for (uint64_t cards = count->candidates; cards != 0; cards &= cards - 1) {
        shared = shared || count->load->cards[__builtin_ctzll(cards)].replicas > 1;
    }
    return shared && party->pod->demand.plugin;
}

/* Where the report says, else floating; certain when there are no more cards than it takes. */
static void place_unplaced(struct count *count, struct party *party)
{
    party->on = (party->holds | party->uses) & count->candidates;
    if (!party->claimed && party->pod->demand.every_card) {
        party->on = count->candidates;
    }
    uint32_t unknown = cards_still_unknown(party);
    uint64_t others = count->candidates & ~party->on;
    if (unknown == 0 || others == 0) {
        return;
    }
    bool only = count->candidates == others && (others & (others - 1)) == 0;
    if (only ||
        (unknown >= (uint32_t)__builtin_popcountll(others) && !may_share_a_card(count, party))) {
        party->on |= others;
        return;
    }
    float_bytes(count, party, largest_on(count, party, others), party->pod->demand.plugin);
}

static void place_party(struct count *count, struct party *party)
{
    if (party->role == ROLE_NAMED) {
        party->on = party->holds & count->candidates;
    } else if (party->claimed && party->pod->claim.card_count > 0) {
        uint64_t lost = place_claim(count, party);
        /* With an inventory the card has gone, and the pod is where it is found. Without one only
         * its name is lost: the claim is still somewhere here, whatever the plugin has left. */
        if (lost > 0 && !count->node->inventory) {
            float_bytes(count, party, lost, false);
        } else if (lost > 0) {
            party->on |= (party->holds | party->uses) & count->candidates;
        }
    } else if (party->claimed || (party->pod->demand.gpu && !is_counted(&party->pod->demand))) {
        place_unplaced(count, party);
    }
}

static void book_demands(struct count *count)
{
    for (size_t p = 0; p < count->party_count; p++) {
        struct party *party = &count->parties[p];
        if (!is_there(party)) {
            continue;
        }
        place_party(count, party);
        for (uint64_t on = party->on; on != 0; on &= on - 1) {
            uint32_t i = (uint32_t)__builtin_ctzll(on);
            struct plimsoll_booking *booking = &count->bookings[i];
            booking->demands = plus(booking->demands, demand_on(count, party, i));
            booking->demanded = true;
        }
    }
}

static void book_excess(struct count *count)
{
    for (uint32_t i = 0; i < count->load->card_count; i++) {
        const struct plimsoll_card *card = &count->node->cards[i];
        for (uint32_t j = 0; j < card->pod_count; j++) {
            const struct party *user = find_party(count, &card->pods[j].pod);
            if (is_there(user)) {
                uint64_t excess = minus(card->pods[j].bytes, demand_on(count, user, i));
                count->bookings[i].excess = plus(count->bookings[i].excess, excess);
            }
        }
    }
}

static int compare_bytes(const void *left, const void *right)
{
    const uint64_t *a = left, *b = right;
    return *a < *b ? -1 : *a > *b;
}

/* What the holders of the card's devices take with them, smallest first. Where use is attributed to
 * pods, what they use beyond their demand goes too. */
static uint32_t list_leaving(const struct count *count, uint32_t i, uint64_t *leaving)
{
    const struct plimsoll_card *card = &count->node->cards[i];
    uint32_t used = card->attributed ? card->pod_count : 0, listed = 0;
    for (uint32_t j = 0; j < used; j++) {
        struct party *user = find_party(count, &card->pods[j].pod);
        if (user) {
            user->used = card->pods[j].bytes;
        }
    }
    for (uint32_t j = 0; j < card->holder_count; j++) {
        const struct party *holder = find_party(count, &card->holders[j]);
        if (is_there(holder)) {
            leaving[listed++] = larger(holder->used, demand_on(count, holder, i));
        }
    }
    for (uint32_t j = 0; j < used; j++) {
        struct party *user = find_party(count, &card->pods[j].pod);
        if (user) {
            user->used = 0;
        }
    }
    qsort(leaving, listed, sizeof *leaving, compare_bytes);
    return listed;
}

/* @param coming  Largest first, as count->floating is. @return Σ of those that take no device. */
static uint64_t list_coming(const struct count *count, uint32_t i, uint64_t *coming,
                            size_t *coming_count)
{
    uint64_t without_device = 0;
    for (size_t f = 0; f < count->floating_count; f++) {
        const struct floating *floating = &count->floating[f];
        if (floating->elsewhere >> i & 1) {
            continue;
        }
        if (floating->plugin) {
            coming[(*coming_count)++] = floating->bytes;
        } else {
            without_device = plus(without_device, floating->bytes);
        }
    }
    return without_device;
}

static void book_floating(struct count *count)
{
    if (count->floating_count > 1) {
        qsort(count->floating, count->floating_count, sizeof *count->floating, compare_floating);
    }
    plimsoll_autofree uint64_t *coming =
        plimsoll_realloc(NULL, count->floating_count + 1, sizeof *coming);
    plimsoll_autofree uint64_t *leaving =
        plimsoll_realloc(NULL, count->party_count + 1, sizeof *leaving);
    for (uint64_t cards = count->candidates; cards != 0; cards &= cards - 1) {
        uint32_t i = (uint32_t)__builtin_ctzll(cards);
        struct plimsoll_booking *booking = &count->bookings[i];
        uint32_t replicas = count->load->cards[i].replicas;
        uint32_t left = replicas > booking->taken ? replicas - booking->taken : 0;
        if (left > 0 && count->floating_count == 0) {
            continue; /* nobody comes */
        }
        size_t coming_count = 0;
        uint64_t without_device = list_coming(count, i, coming, &coming_count);
        plimsoll_floating_weigh(
            &(struct plimsoll_coming){.floating = coming,
                                      .floating_count = coming_count,
                                      .without_device = without_device,
                                      .leaving = leaving,
                                      .leaving_count = list_leaving(count, i, leaving),
                                      .left = left},
            booking);
    }
}

bool plimsoll_bookings_count(const struct plimsoll_node_view *view,
                             const struct plimsoll_placement_settings *settings,
                             const struct plimsoll_uid *without, int32_t priority,
                             const struct plimsoll_node_load *load,
                             struct plimsoll_booking *bookings)
{
    struct count count = {
        .node = view->node, .settings = settings, .load = load, .bookings = bookings};
    for (uint32_t i = 0; i < load->card_count; i++) {
        if (load->cards[i].vendor == PLIMSOLL_VENDOR_NVIDIA &&
            load->cards[i].state != PLIMSOLL_CARD_MIG) {
            count.candidates |= UINT64_C(1) << i;
        }
    }
    bool nominated = gather_parties(&count, view, without, priority);
    count.floating = plimsoll_realloc(NULL, count.party_count + 1, sizeof *count.floating);
    read_report(&count);
    book_demands(&count);
    book_excess(&count);
    book_floating(&count);
    free(count.floating);
    free(count.parties);
    return nominated;
}

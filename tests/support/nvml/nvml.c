/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A libnvidia-ml.so.1 that plays the machine of a script (script.h). Strict where NVIDIA's is
 * lenient: a handle of an earlier session, a short buffer or a forgotten shutdown ends the program.
 *
 * FAKE_NVML_LEVEL plays libraries of several ages by the names that are in them: 3 today's, 2 of
 * R470 (MIG, lists of version 2), 1 of long ago (first versions only), 0 a file that is none.
 */
#include "player.h"

/* One count per function; the names are string literals, compared as text. */
static struct {
    const char *function;
    unsigned long calls, since_change;
} counts[64];

const struct script *player_script;
static unsigned session, references;
static handle_t handles[1024];
static unsigned handle_count;
static char ids[SCRIPT_CARDS][64]; /* as counted at the start: nothing that comes later is in it */
static unsigned id_count;
static unsigned long long grown;

NVML unsigned long fake_nvml_calls(const char *function);
unsigned long fake_nvml_calls(const char *function)
{
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        if (counts[i].function != NULL && strcmp(counts[i].function, function) == 0) {
            return counts[i].calls;
        }
    }
    return 0;
}

static unsigned long count_call(const char *function)
{
    size_t i = 0;
    while (counts[i].function != NULL && strcmp(counts[i].function, function) != 0) {
        i++;
    }
    counts[i].function = function;
    counts[i].calls++;
    return counts[i].since_change++;
}

static void look_at_script(void)
{
    bool changed = false;
    player_script = script_now(&changed);
    if (changed) {
        grown = 0;
        for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
            counts[i].since_change = 0;
        }
    }
}

static result_t failing(const char *function, const char *id, unsigned long calls)
{
    for (unsigned i = 0; i < player_script->fails; i++) {
        const struct script_fail *fail = &player_script->fail[i];
        bool function_fits =
            strcmp(fail->function, "*") == 0 || strcmp(fail->function, function) == 0;
        bool id_fits = fail->id[0] == '\0' || (id != NULL && strcmp(fail->id, id) == 0);
        if (function_fits && id_fits && calls >= fail->after) {
            return (result_t)fail->result;
        }
    }
    return SUCCESS;
}

/* Every function that needs a session begins so. */
result_t player_enter(const char *function, const char *id)
{
    look_at_script();
    unsigned long calls = count_call(function);
    if (references == 0) {
        script_die("%s without a session", function);
    }
    return failing(function, id, calls);
}

static void check_handle(const char *function, const handle_t *handle)
{
    if (handle < handles || handle >= handles + handle_count || handle->session != session) {
        script_die("%s with a handle that is none of this session", function);
    }
}

static const struct script_card *find_card(const char *id)
{
    for (unsigned i = 0; i < player_script->cards; i++) {
        if (strcmp(player_script->card[i].id, id) == 0) {
            return &player_script->card[i];
        }
    }
    return NULL;
}

static const struct script_instance *find_instance(const char *id)
{
    for (unsigned i = 0; i < player_script->instances; i++) {
        if (strcmp(player_script->instance[i].id, id) == 0) {
            return &player_script->instance[i];
        }
    }
    return NULL;
}

const struct script_card *player_card(const handle_t *handle)
{
    const struct script_card *card = handle->mig ? NULL : find_card(handle->id);
    if (card == NULL) {
        script_die("an instance is asked what only a card can say");
    }
    return card;
}

static const struct script_instance *instance_of(const handle_t *handle)
{
    const struct script_instance *instance = handle->mig ? find_instance(handle->id) : NULL;
    if (instance == NULL) {
        script_die("a card is asked what only an instance can say");
    }
    return instance;
}

/* The same for functions of a card or an instance. */
result_t player_enter_device(const char *function, const handle_t *handle)
{
    check_handle(function, handle);
    result_t result = player_enter(function, handle->id);
    if (result != SUCCESS) {
        return result;
    }
    if (handle->mig) {
        return find_instance(handle->id) == NULL ? INVALID_ARGUMENT : SUCCESS;
    }
    return find_card(handle->id) == NULL ? GPU_IS_LOST : SUCCESS;
}

handle_t *player_handle(const char *id, bool mig)
{
    for (unsigned i = 0; i < handle_count; i++) {
        if (handles[i].session == session && strcmp(handles[i].id, id) == 0) {
            return &handles[i];
        }
    }
    if (handle_count == sizeof handles / sizeof *handles) {
        script_die("more handles than the player has room for");
    }
    handle_t *handle = &handles[handle_count++];
    handle->session = session;
    handle->mig = mig;
    strcpy(handle->id, id);
    return handle;
}

static result_t say(const char *text, char *out, unsigned length, unsigned length_min)
{
    if (length < length_min) {
        script_die("a buffer of %u bytes where %u may be needed", length, length_min);
    }
    if (strlen(text) >= length) {
        return INSUFFICIENT_SIZE;
    }
    strcpy(out, text);
    return SUCCESS;
}

/* ---- session ---- */

/* The oldest library has names from before there were second versions. */
#if FAKE_NVML_LEVEL == 1
#define nvmlInit_v2                   nvmlInit
#define nvmlDeviceGetCount_v2         nvmlDeviceGetCount
#define nvmlDeviceGetHandleByIndex_v2 nvmlDeviceGetHandleByIndex
#endif

static void count_cards(void)
{
    id_count = player_script->cards;
    for (unsigned i = 0; i < id_count; i++) {
        strcpy(ids[i], player_script->card[i].id);
    }
}

NVML result_t nvmlInit_v2(void);
result_t nvmlInit_v2(void)
{
    look_at_script();
    result_t result = failing("nvmlInit_v2", NULL, count_call("nvmlInit_v2"));
    if (result != SUCCESS) {
        return result;
    }
    if (references++ == 0) {
        session++;
        count_cards();
    }
    return SUCCESS;
}

NVML result_t nvmlShutdown(void);
result_t nvmlShutdown(void)
{
    look_at_script();
    count_call("nvmlShutdown");
    if (references == 0) {
        script_die("nvmlShutdown without a session");
    }
    if (player_has_event_sets()) {
        script_die("nvmlShutdown with an event set that was not freed");
    }
    references--;
    return SUCCESS;
}

__attribute__((destructor)) static void check_end(void)
{
    if (references != 0) {
        script_die("unloaded without nvmlShutdown");
    }
}

NVML result_t nvmlSystemGetDriverVersion(char *version, unsigned length);
result_t nvmlSystemGetDriverVersion(char *version, unsigned length)
{
    ENTER(nvmlSystemGetDriverVersion, NULL);
    return say(player_script->driver, version, length, 80);
}

/* ---- cards ---- */

NVML result_t nvmlDeviceGetCount_v2(unsigned *count);
result_t nvmlDeviceGetCount_v2(unsigned *count)
{
    ENTER(nvmlDeviceGetCount_v2, NULL);
    if (player_script->live) {
        count_cards();
    }
    *count = id_count;
    return SUCCESS;
}

NVML result_t nvmlDeviceGetHandleByIndex_v2(unsigned index, handle_t **out);
result_t nvmlDeviceGetHandleByIndex_v2(unsigned index, handle_t **out)
{
    ENTER(nvmlDeviceGetHandleByIndex_v2, index < id_count ? ids[index] : NULL);
    if (index >= id_count) {
        return INVALID_ARGUMENT;
    }
    if (find_card(ids[index]) == NULL) {
        return GPU_IS_LOST;
    }
    *out = player_handle(ids[index], false);
    return SUCCESS;
}

NVML result_t nvmlDeviceGetHandleByUUID(const char *id, handle_t **out);
result_t nvmlDeviceGetHandleByUUID(const char *id, handle_t **out)
{
    ENTER(nvmlDeviceGetHandleByUUID, id);
    if (find_card(id) == NULL) {
        return NOT_FOUND;
    }
    *out = player_handle(id, false);
    return SUCCESS;
}

#if FAKE_NVML_LEVEL > 0
NVML result_t nvmlDeviceGetUUID(handle_t *device, char *out, unsigned length);
result_t nvmlDeviceGetUUID(handle_t *device, char *out, unsigned length)
{
    ENTER_DEVICE(nvmlDeviceGetUUID, device);
    return say(device->id, out, length, 96);
}
#endif

NVML result_t nvmlDeviceGetName(handle_t *device, char *out, unsigned length);
result_t nvmlDeviceGetName(handle_t *device, char *out, unsigned length)
{
    ENTER_DEVICE(nvmlDeviceGetName, device);
    return say(device->mig ? instance_of(device)->name : player_card(device)->name, out, length,
               96);
}

void player_pci(const char *address, pci_t *pci)
{
    memset(pci, 0, sizeof *pci);
    if (sscanf(address, "%x:%x:%x", &pci->domain, &pci->bus, &pci->device) != 3) {
        script_die("no PCI address: %s", address);
    }
    snprintf(pci->legacy, sizeof pci->legacy, "%04X:%02X:%02X.0", pci->domain & 0xffff,
             pci->bus & 0xff, pci->device & 0xff);
    snprintf(pci->id, sizeof pci->id, "%08X:%02X:%02X.0", pci->domain, pci->bus & 0xff,
             pci->device & 0xff);
}

#if FAKE_NVML_LEVEL >= 3
typedef struct {
    unsigned version, value;
} addressing_t;

NVML result_t nvmlDeviceGetAddressingMode(handle_t *device, addressing_t *mode);
result_t nvmlDeviceGetAddressingMode(handle_t *device, addressing_t *mode)
{
    ENTER_DEVICE(nvmlDeviceGetAddressingMode, device);
    if (mode->version != 0x01000008) {
        script_die("an addressing mode of version 0x%08x", mode->version);
    }
    mode->value = player_card(device)->addressing;
    return SUCCESS;
}
#endif

NVML result_t nvmlDeviceGetPciInfo_v3(handle_t *device, pci_t *pci);
result_t nvmlDeviceGetPciInfo_v3(handle_t *device, pci_t *pci)
{
    ENTER_DEVICE(nvmlDeviceGetPciInfo_v3, device);
    const char *address = player_card(device)->pci;
    if (address[0] == '\0') {
        return NOT_SUPPORTED;
    }
    player_pci(address, pci);
    return SUCCESS;
}

/* ---- memory ---- */

/* Total, reserved and allocated bytes of a card or an instance. */
static void sizes_of(const handle_t *device, memory_v2_t *out)
{
    if (device->mig) {
        const struct script_instance *instance = instance_of(device);
        out->total = instance->total;
        out->reserved = instance->reserved;
        out->used = instance->used;
    } else {
        const struct script_card *card = player_card(device);
        out->total = card->total;
        out->reserved = card->reserved;
        out->used = card->used;
    }
    out->free = out->total - out->reserved - out->used;
}

NVML result_t nvmlDeviceGetMemoryInfo(handle_t *device, memory_t *memory);
result_t nvmlDeviceGetMemoryInfo(handle_t *device, memory_t *memory)
{
    ENTER_DEVICE(nvmlDeviceGetMemoryInfo, device);
    memory_v2_t sizes;
    sizes_of(device, &sizes);
    memory->total = sizes.total;
    memory->free = sizes.free;
    memory->used = sizes.used + sizes.reserved;
    return SUCCESS;
}

#if FAKE_NVML_LEVEL >= 3
NVML result_t nvmlDeviceGetMemoryInfo_v2(handle_t *device, memory_v2_t *memory);
result_t nvmlDeviceGetMemoryInfo_v2(handle_t *device, memory_v2_t *memory)
{
    ENTER_DEVICE(nvmlDeviceGetMemoryInfo_v2, device);
    if (memory->version != 0x02000028) {
        script_die("nvmlDeviceGetMemoryInfo_v2 with version 0x%08x", memory->version);
    }
    sizes_of(device, memory);
    if (!device->mig && player_card(device)->include) {
        memory->used += memory->reserved;
    }
    return SUCCESS;
}
#endif

/* ---- MIG ---- */

#if FAKE_NVML_LEVEL >= 2
NVML result_t nvmlDeviceGetMigMode(handle_t *device, unsigned *now, unsigned *pending);
result_t nvmlDeviceGetMigMode(handle_t *device, unsigned *now, unsigned *pending)
{
    ENTER_DEVICE(nvmlDeviceGetMigMode, device);
    long mig = player_card(device)->mig;
    if (mig < 0) {
        return NOT_SUPPORTED;
    }
    *now = *pending = (unsigned)mig;
    return SUCCESS;
}

NVML result_t nvmlDeviceGetMaxMigDeviceCount(handle_t *device, unsigned *count);
result_t nvmlDeviceGetMaxMigDeviceCount(handle_t *device, unsigned *count)
{
    ENTER_DEVICE(nvmlDeviceGetMaxMigDeviceCount, device);
    *count = player_card(device)->mig_max;
    return SUCCESS;
}

NVML result_t nvmlDeviceGetMigDeviceHandleByIndex(handle_t *device, unsigned index, handle_t **out);
result_t nvmlDeviceGetMigDeviceHandleByIndex(handle_t *device, unsigned index, handle_t **out)
{
    ENTER_DEVICE(nvmlDeviceGetMigDeviceHandleByIndex, device);
    for (unsigned i = 0; i < player_script->instances; i++) {
        const struct script_instance *one = &player_script->instance[i];
        if (strcmp(one->card, device->id) == 0 && one->index == index) {
            *out = player_handle(one->id, true);
            return SUCCESS;
        }
    }
    return index % 2 == 0 ? NOT_FOUND : INVALID_ARGUMENT; /* a hole is said both ways */
}

NVML result_t nvmlDeviceGetAttributes_v2(handle_t *device, attributes_t *attributes);
result_t nvmlDeviceGetAttributes_v2(handle_t *device, attributes_t *attributes)
{
    ENTER_DEVICE(nvmlDeviceGetAttributes_v2, device);
    if (!device->mig) {
        return INVALID_ARGUMENT;
    }
    const struct script_instance *one = instance_of(device);
    memset(attributes, 0, sizeof *attributes);
    attributes->slices = one->slices;
    attributes->compute_slices = one->compute_slices;
    attributes->mib = one->size;
    return SUCCESS;
}
#endif

/* ---- processes ---- */

/* Process number `i` of a list on a card, or on an instance of it. */
static unsigned fill_processes(const handle_t *device, char list, process_t *out, unsigned room)
{
    const struct script_instance *instance = device->mig ? instance_of(device) : NULL;
    const char *card = instance != NULL ? instance->card : device->id;
    unsigned count = 0;
    for (unsigned i = 0; i < player_script->processes; i++) {
        const struct script_process *one = &player_script->process[i];
        bool here = strcmp(one->card, card) == 0 && one->list == list &&
                    (instance == NULL || (one->gi == instance->gi && one->ci == instance->ci));
        for (unsigned k = 0; here && k < one->count; k++, count++) {
            if (count < room) {
                out[count] = (process_t){one->pid + k, one->bytes, one->gi, one->ci};
            }
        }
    }
    for (unsigned i = 0; list == 'c' && instance == NULL && i < grown; i++, count++) {
        if (count < room) {
            out[count] = (process_t){1000000 + i, 1024 * 1024, UINT32_MAX, UINT32_MAX};
        }
    }
    return count;
}

static result_t list_processes(const handle_t *device, char list, unsigned *count, process_t *out)
{
    if (*count > 0 && out == NULL) {
        script_die("a list of processes without room");
    }
    unsigned room = *count;
    *count = fill_processes(device, list, out, room);
    if (*count <= room) {
        return SUCCESS;
    }
    if (!device->mig) {
        grown += player_card(device)->grow;
    }
    return INSUFFICIENT_SIZE;
}

static result_t list_processes_v1(const handle_t *device, char list, unsigned *count,
                                  process_v1_t *out)
{
    static process_t wide[8192];
    unsigned room = *count < 8192 ? *count : 8192;
    *count = room;
    result_t result = list_processes(device, list, count, wide);
    for (unsigned i = 0; result == SUCCESS && i < *count; i++) {
        out[i] = (process_v1_t){wide[i].pid, wide[i].used};
    }
    return result;
}

#define LIST(function, list, process, fill)                                                        \
    NVML result_t function(handle_t *device, unsigned *count, process *out);                       \
    result_t function(handle_t *device, unsigned *count, process *out)                             \
    {                                                                                              \
        ENTER_DEVICE(function, device);                                                            \
        return fill(device, list, count, out);                                                     \
    }

LIST(nvmlDeviceGetComputeRunningProcesses, 'c', process_v1_t, list_processes_v1)
LIST(nvmlDeviceGetGraphicsRunningProcesses, 'g', process_v1_t, list_processes_v1)
#if FAKE_NVML_LEVEL >= 2
LIST(nvmlDeviceGetMPSComputeRunningProcesses, 'm', process_v1_t, list_processes_v1)
LIST(nvmlDeviceGetComputeRunningProcesses_v2, 'c', process_t, list_processes)
LIST(nvmlDeviceGetGraphicsRunningProcesses_v2, 'g', process_t, list_processes)
LIST(nvmlDeviceGetMPSComputeRunningProcesses_v2, 'm', process_t, list_processes)
#endif
#if FAKE_NVML_LEVEL >= 3
LIST(nvmlDeviceGetComputeRunningProcesses_v3, 'c', process_t, list_processes)
LIST(nvmlDeviceGetGraphicsRunningProcesses_v3, 'g', process_t, list_processes)
LIST(nvmlDeviceGetMPSComputeRunningProcesses_v3, 'm', process_t, list_processes)
#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "client.h"

#include <plimsoll/own.h>

#include <curl/curl.h>

struct client {
    CURL *curl;
    struct curl_slist *headers;
    unsigned port;
    char ca[64];
    size_t received;
    client_take_fn take;
    void *context;
};

static size_t on_bytes(char *data, size_t size, size_t count, void *context)
{
    struct client *client = context;
    client->received += size * count;
    if (client->take != NULL) {
        client->take(client->context, (struct plimsoll_span){.data = data, .size = size * count});
    }
    return size * count;
}

struct client *client_open(const char *ca_directory, unsigned port)
{
    struct client *client = plimsoll_alloc(1, sizeof *client);
    client->port = port;
    snprintf(client->ca, sizeof client->ca, "%s/ca.crt", ca_directory);
    client->curl = curl_easy_init();
    client->headers = curl_slist_append(NULL, "Content-Type: application/json");
    client->headers = curl_slist_append(client->headers, "Expect:");
    curl_easy_setopt(client->curl, CURLOPT_CAINFO, client->ca);
    curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, client->headers);
    curl_easy_setopt(client->curl, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(client->curl, CURLOPT_WRITEDATA, client);
    curl_easy_setopt(client->curl, CURLOPT_UPLOAD_BUFFERSIZE, 1024L * 1024);
    curl_easy_setopt(client->curl, CURLOPT_BUFFERSIZE, 128L * 1024);
    return client;
}

void client_close(struct client **client)
{
    curl_easy_cleanup((*client)->curl);
    curl_slist_free_all((*client)->headers);
    free(*client);
    *client = NULL;
}

size_t client_ask(struct client *client, const char *path, struct plimsoll_span body,
                  client_take_fn take, void *context)
{
    char url[128];
    long status = 0;
    snprintf(url, sizeof url, "https://127.0.0.1:%u%s", client->port, path);
    client->received = 0;
    client->take = take;
    client->context = context;
    curl_easy_setopt(client->curl, CURLOPT_URL, url);
    if (body.data != NULL) {
        curl_easy_setopt(client->curl, CURLOPT_POSTFIELDS, body.data);
        curl_easy_setopt(client->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.size);
    } else {
        curl_easy_setopt(client->curl, CURLOPT_HTTPGET, 1L);
    }
    CURLcode code = curl_easy_perform(client->curl);
    curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status);
    if (code != CURLE_OK || status != 200) {
        fprintf(stderr, "bench: %s: %s, status %ld\n", url, curl_easy_strerror(code), status);
        exit(1);
    }
    return client->received;
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * What libcurl alone can do: curl_multi URL BODY_BYTES CONNECTIONS SECONDS. No database, no signature, no log: as many easy
 * handles as connections, each set up once and started again when it ends, driven by multi_socket on epoll. Prints the
 * answers 2xx per second, and the processor time of each in microseconds.
 */
#include <curl/curl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>

enum { READY_MAX = 64 };

static int epoll_fd;
static long timer_ms;

static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *watched)
{
    (void)easy;
    struct epoll_event event = {.events = (what & CURL_POLL_IN ? (uint32_t)EPOLLIN : 0) |
                                          (what & CURL_POLL_OUT ? (uint32_t)EPOLLOUT : 0),
                                .data.fd = fd};
    if (what == CURL_POLL_REMOVE)
        return epoll_ctl(epoll_fd, EPOLL_CTL_DEL, fd, NULL), 0;
    if (watched == NULL)
        curl_multi_assign(ctx, fd, &epoll_fd);
    return epoll_ctl(epoll_fd, watched == NULL ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event);
}

static int set_timer(CURLM *multi, long timeout_ms, void *ctx)
{
    (void)multi;
    (void)ctx;
    timer_ms = timeout_ms;
    return 0;
}

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static size_t drop(char *bytes, size_t size, size_t count, void *ctx)
{
    (void)bytes;
    (void)ctx;
    return size * count;
}

static CURL *make_call(const char *url, const char *body, long length, struct curl_slist *headers)
{
    CURL *easy = curl_easy_init();
    if (easy == NULL)
        exit(70);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, length);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, drop);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    return easy;
}

/* Starts again what has ended; returns how many were answered 2xx. */
static long again(CURLM *multi)
{
    long good = 0, status = 0;
    int left;
    CURLMsg *message;
    while ((message = curl_multi_info_read(multi, &left)) != NULL) {
        CURL *easy = message->easy_handle;
        if (message->data.result == CURLE_OK &&
            curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK && status / 100 == 2)
            good++;
        curl_multi_remove_handle(multi, easy);
        curl_multi_add_handle(multi, easy);
    }
    return good;
}

static long run(CURLM *multi, double seconds)
{
    struct epoll_event ready[READY_MAX];
    double end_s = now_s() + seconds;
    long good = 0;
    while (now_s() < end_s) {
        int running, count = epoll_wait(epoll_fd, ready, READY_MAX, timer_ms < 0 ? 1000 : (int)timer_ms);
        if (count <= 0)
            curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
        for (int i = 0; i < count; i++)
            curl_multi_socket_action(multi, ready[i].data.fd,
                                     (ready[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                                         (ready[i].events & ~(uint32_t)EPOLLOUT ? CURL_CSELECT_IN : 0),
                                     &running);
        good += again(multi);
    }
    return good;
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "usage: curl_multi URL BODY_BYTES CONNECTIONS SECONDS\n");
        return 64;
    }
    long length = atol(argv[2]), connections = atol(argv[3]);
    double seconds = atof(argv[4]);
    char *body = malloc((size_t)length + 1);
    struct curl_slist *headers = curl_slist_append(NULL, "Expect:");
    curl_slist_append(headers, "Content-Type: application/cloudevents+json; charset=utf-8");
    curl_slist_append(headers, "webhook-id: 01988c3e-0000-7000-8000-000000000000");
    curl_slist_append(headers, "webhook-timestamp: 1750000000");
    curl_slist_append(headers, "webhook-signature: v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=");
    if (body == NULL || headers == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return 70;
    memset(body, 'x', (size_t)length);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    CURLM *multi = curl_multi_init();
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, multi);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, connections + 1);
    for (long i = 0; i < connections; i++)
        curl_multi_add_handle(multi, make_call(argv[1], body, length, headers));
    double good = (double)run(multi, seconds);
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    double cpu_us = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e6 +
                    (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
    printf("%.0f %.1f\n", good / seconds, cpu_us / good);
    return 0;
}

#include "worker/host_resolver.hpp"

#include <memory>
#include <string>

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "shared/error_types.hpp"

namespace pgclone {

namespace {

bool is_address(const std::string& host)
{
    in_addr v4;
    in6_addr v6;
    return inet_pton(AF_INET, host.c_str(), &v4) == 1 || inet_pton(AF_INET6, host.c_str(), &v6) == 1;
}

} // namespace

std::vector<std::string> resolve_host(const ConnectionParameters& parameters)
{
    const std::string host(find_parameter(parameters, "host"));
    if (host.empty() || host.front() == '/' || host.front() == '@' ||
        host.find(',') != std::string::npos || is_address(host) ||
        !find_parameter(parameters, "hostaddr").empty())
        return {};

    addrinfo wanted = {};
    wanted.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int failure = getaddrinfo(host.c_str(), nullptr, &wanted, &found);
    if (failure != 0)
        throw PgError(sqlstate::unable_to_connect, "could not translate host name \"" + host +
                                                       "\" to address: " + gai_strerror(failure));
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> list(found, freeaddrinfo);

    std::vector<std::string> addresses;
    for (const addrinfo* entry = found; entry; entry = entry->ai_next) {
        char address[NI_MAXHOST];
        if (getnameinfo(entry->ai_addr, entry->ai_addrlen, address, sizeof(address), nullptr, 0,
                        NI_NUMERICHOST) == 0)
            addresses.emplace_back(address);
    }
    return addresses;
}

} // namespace pgclone

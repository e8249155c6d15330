// SPDX-License-Identifier: Apache-2.0
package io.eslm.web;

import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Who may use a site. Every web page that the user has open can send requests to this machine, so a request must name us as its
 * host (a foreign name that was made to point here does not), come from our own page if it says where it comes from, and
 * know the token.
 */
final class Access {
    private static final int HTTP = 80;
    private static final int TOKEN_BYTES = 16;
    private static final Set<String> LOOPBACK = Set.of("127.0.0.1", "localhost", "[::1]");

    private final boolean loopback;
    private final String host;
    private final int port;
    private final String token;

    /**
     * @param address that the site listens on
     * @param host as the user wrote it
     */
    Access(InetAddress address, String host, int port) {
        this.loopback = address.isLoopbackAddress();
        this.host = bracketed(host);
        this.port = port;
        byte[] random = new byte[TOKEN_BYTES];
        new SecureRandom().nextBytes(random);
        this.token = Base64.getUrlEncoder().withoutPadding().encodeToString(random);
    }

    /** An IPv6 address as it stands in a URL. */
    static String bracketed(String host) {
        return host.contains(":") && !host.startsWith("[") ? "[" + host + "]" : host;
    }

    /** The secret that the site's address carries. */
    String token() {
        return token;
    }

    /** True if {@code given} is the token; takes the same time for every wrong one. */
    boolean isToken(String given) {
        return MessageDigest.isEqual(given.getBytes(StandardCharsets.UTF_8), token.getBytes(StandardCharsets.UTF_8));
    }

    /**
     * The value of the header that gives a browser the token: sent back to this site alone, never on behalf of another one, and
     * not readable by scripts. Cookies do not tell ports apart, so the name does.
     */
    String cookie() {
        return cookieName() + "=" + token + "; Path=/; HttpOnly; SameSite=Strict";
    }

    private String cookieName() {
        return "eslm-" + port;
    }

    /** True if the header Cookie has the token. */
    boolean knows(Optional<String> cookies) {
        String prefix = cookieName() + "=";
        return cookies.stream().flatMap(all -> Stream.of(all.split(";"))).map(String::strip)
                .anyMatch(c -> c.startsWith(prefix) && isToken(c.substring(prefix.length())));
    }

    /** True if the header Host names this site: by a name that can only mean it, or by an address. */
    boolean isHost(Optional<String> header) {
        String suffix = ":" + port;
        // Browsers leave out the port of http.
        Optional<String> full = port == HTTP ? header.map(h -> h.endsWith(suffix) ? h : h + suffix) : header;
        if (full.isEmpty() || !full.get().endsWith(suffix)) {
            return false;
        }
        String name = full.get().substring(0, full.get().length() - suffix.length()).toLowerCase(Locale.ROOT);
        return LOOPBACK.contains(name) || name.equalsIgnoreCase(host) || !loopback && isAddress(name);
    }

    /** A number, which no name server can point elsewhere. */
    private static boolean isAddress(String name) {
        return name.matches("\\d{1,3}(\\.\\d{1,3}){3}|\\[[0-9a-f:.%]+]");
    }

    /**
     * True if the header Origin names this site.
     *
     * @param required whether a request without one is refused
     */
    boolean isOrigin(Optional<String> origin, Optional<String> hostHeader, boolean required) {
        return origin.map(o -> o.equalsIgnoreCase("http://" + hostHeader.orElse(""))).orElse(!required);
    }
}

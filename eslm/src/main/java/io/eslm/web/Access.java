// SPDX-License-Identifier: Apache-2.0
package io.eslm.web;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.Optional;
import java.util.stream.Stream;

/** The secret of a site, and the cookie that carries it. */
final class Access {
    private static final int TOKEN_BYTES = 16;

    private final int port;
    private final String token;

    Access(int port) {
        this.port = port;
        byte[] random = new byte[TOKEN_BYTES];
        new SecureRandom().nextBytes(random);
        this.token = Base64.getUrlEncoder().withoutPadding().encodeToString(random);
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
}

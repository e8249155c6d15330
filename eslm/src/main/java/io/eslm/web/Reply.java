// SPDX-License-Identifier: Apache-2.0
package io.eslm.web;

import java.nio.charset.StandardCharsets;

/**
 * The answer to a request.
 *
 * @param status of HTTP
 * @param type of the content
 * @param policy the Content-Security-Policy
 */
public record Reply(int status, String type, String policy, byte[] body) {
    /** Allows a page nothing. */
    static final String NOTHING = "default-src 'none'";

    /** A page, with the policy that its scripts and styles need. */
    public static Reply page(Page page) {
        return new Reply(200, "text/html; charset=utf-8", page.policy() + "; frame-ancestors 'none'",
                page.html().getBytes(StandardCharsets.UTF_8));
    }

    /** JSON. */
    public static Reply json(String json) {
        return new Reply(200, "application/json", NOTHING, json.getBytes(StandardCharsets.UTF_8));
    }

    /** A sentence for a person. */
    public static Reply text(int status, String text) {
        return new Reply(status, "text/plain; charset=utf-8", NOTHING, (text + "\n").getBytes(StandardCharsets.UTF_8));
    }
}

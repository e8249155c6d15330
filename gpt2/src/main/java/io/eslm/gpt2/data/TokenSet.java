// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import java.util.List;

/** Token ids and the domains that they belong to; at least one domain. */
public record TokenSet(TokenFile tokens, List<Domain> domains) {
    public TokenSet {
        domains = List.copyOf(domains);
    }

    /** All tokens as one domain. */
    public static TokenSet whole(TokenFile tokens) {
        return new TokenSet(tokens, List.of(new Domain(Domain.ALL, List.of(new Range(0, tokens.size())))));
    }
}

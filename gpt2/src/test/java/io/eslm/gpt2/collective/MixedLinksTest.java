// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.collective;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A rank that has others on its host and others on other hosts adds up the blocks of both. */
class MixedLinksTest {
    private static final Duration LONG = Duration.ofSeconds(60);

    @Test
    void aRankAddsWhatComesOverTheNetworkAndPastIt() throws Exception {
        String where = RankThreads.loopback();
        // Rank 2 can go to rank 1 over the network alone, and to rank 0 past it.
        RankProcess one = RankProcess.start(1, 3, where, LONG, "-D" + Door.NETWORK_ONLY + "=true",
                "-D" + RankProcess.SUMS + "=true");
        try {
            List<float[]> sums = RankThreads.run(3, rank -> {
                if (rank == 1) {
                    return null;
                }
                try (Collective ranks = Rendezvous.join(RankProcess.member(rank, 3, LONG), Address.parse(where), _ -> {
                })) {
                    ranks.barrier();
                    float[] own = RankProcess.sum(ranks);
                    if (rank == 0) {
                        assertEquals("here", one.line());
                        one.goOn();
                    }
                    ranks.barrier();
                    return own;
                }
            });
            for (int rank : new int[] {0, 2}) {
                float[] own = sums.get(rank);
                for (int i = 0; i < own.length; i++) {
                    assertEquals(6 * ((rank * 200_000 + i) % 999), own[i]);
                }
            }
        } finally {
            one.kill();
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.collective;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which rank is called slow: one that is so for some time, once. */
class PaceTest {
    private final List<String> notes = new ArrayList<>();

    /** One digit a rank: how long it was busy, in tenths of a second. */
    private List<String> heard(int world, String... rounds) {
        Pace pace = new Pace(world, notes::add);
        for (String round : rounds) {
            pace.round(round.chars().mapToLong(c -> TimeUnit.MILLISECONDS.toNanos(100L * (c - '0'))).toArray());
        }
        return notes;
    }

    @Test
    void aSlowRankIsNamedOnce() {
        assertEquals(List.of(
                "rank 2 is slow, and all wait for it: 5 times in a row it took more than twice as long as the median "
                        + "rank, in the last one 0.90 s instead of 0.20 s"),
                heard(4, "1231", "1171", "1171", "1161", "2193", "1171", "1171", "1171", "1171", "1171"));
    }

    @Test
    void oneOfTwoIsNamed() {
        assertEquals(1, heard(2, "31", "31", "31", "31", "31", "31").size());
        assertTrue(notes.getFirst().startsWith("rank 0 is slow"));
    }

    @Test
    void whatChangesIsNotSlow() {
        assertEquals(List.of(),
                heard(3, "112", "141", "141", "141", "141", "111", "141", "141", "114", "141", "141", "114"));
    }

    /** While rank 0 evaluates or saves, the others have nothing to do. */
    @Test
    void workOfOneRankAloneDoesNotCount() {
        assertEquals(List.of(), heard(3, "900", "900", "900", "900", "900", "900", "900"));
        assertEquals(1, heard(3, "118", "900", "118", "118", "900", "900", "118", "118").size(),
                "nor does it interrupt");
    }

    /** As long as it takes, so that a busy machine, which makes any thread slow, cannot fail the test. */
    @Test
    void ranksTellHowLongTheyWereBusy(@TempDir Path dir) {
        String where = RankThreads.unix(dir);
        RankThreads.run(3, rank -> {
            try (Collective ranks = Rendezvous.join(RankThreads.member(rank, 3), Address.parse(where), notes::add)) {
                for (boolean named = false; !named;) {
                    Thread.sleep(rank == 1 ? 330 : 110);
                    named = ranks.allGather(new byte[rank == 0 ? notes.size() : 0])[0].length > 0;
                }
            }
            return null;
        });
        assertTrue(notes.getFirst().startsWith("rank 1 is slow, and all wait for it"), notes.toString());
    }
}

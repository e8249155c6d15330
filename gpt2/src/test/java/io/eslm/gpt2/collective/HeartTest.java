// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.collective;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Ranks that are stopped are told from ranks that compute. */
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "has no signals")
class HeartTest {
    private static final Duration SHORT = Duration.ofMillis(900);

    @TempDir
    private Path dir;
    private RankProcess[] processes = {};

    @AfterEach
    void end() {
        for (RankProcess process : processes) {
            process.kill();
        }
    }

    @Test
    void aProcessThatIsStoppedIsNamedByAll() throws Exception {
        String where = RankThreads.unix(dir);
        processes = new RankProcess[] {RankProcess.start(1, 3, where, SHORT)};
        List<String> errors = RankThreads.errors(3, rank -> {
            if (rank != 1) {
                Collective ranks = Rendezvous.join(RankProcess.member(rank, 3, SHORT), Address.parse(where), _ -> {
                });
                ranks.barrier();
                if (rank == 0) {
                    assertEquals("here", processes[0].line());
                    processes[0].signal("STOP");
                }
                ranks.barrier();
            }
            return null;
        });
        assertEquals(
                "rank 1 (this host) has shown no life for 900 ms: it is stopped or cut off from the network, or its "
                        + "host is",
                errors.get(0));
        assertEquals(errors.get(0), errors.get(2));
        processes[0].signal("CONT");
        processes[0].goOn();
        String last = processes[0].line();
        assertTrue(last.contains(errors.get(0)), last);
    }

    /** All threads of the rank but one are busy for longer than it may be silent. */
    @Test
    void aRankThatComputesIsNotLost() {
        String where = RankThreads.unix(dir);
        List<String> errors = RankThreads.errors(2, rank -> {
            try (Collective ranks = Rendezvous.join(RankProcess.member(rank, 2, SHORT), Address.parse(where), _ -> {
            })) {
                ranks.barrier();
                Thread.sleep(rank == 1 ? 2 * SHORT.toMillis() : 0);
                ranks.barrier();
                return null;
            }
        });
        assertEquals(List.of("", ""), errors);
    }

    /** As where a terminal stops a job, or a machine of several ranks sleeps: no rank judges by the time that it was stopped itself. */
    @Test
    void ranksThatAreStoppedTogetherGoOn() throws Exception {
        String where = RankThreads.unix(dir);
        processes = new RankProcess[] {RankProcess.start(0, 2, where, SHORT), RankProcess.start(1, 2, where, SHORT)};
        for (RankProcess process : processes) {
            assertEquals("here", process.line());
        }
        processes[1].goOn(); // and waits for the other one
        for (RankProcess process : processes) {
            process.signal("STOP");
        }
        Thread.sleep(2 * SHORT.toMillis());
        for (RankProcess process : processes) {
            process.signal("CONT");
        }
        processes[0].goOn();
        for (RankProcess process : processes) {
            assertEquals("done", process.line());
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.collective;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.gpt2.collective.Rendezvous.Member;
import io.eslm.tensor.Rng;
import io.eslm.tensor.UserError;
import java.io.IOException;
import java.net.Socket;
import java.nio.channels.SocketChannel;
import java.util.concurrent.CountDownLatch;
import com.google.gson.JsonObject;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Ranks as threads: sums and exchanges beside a loop, and what each says when another one fails. */
class CollectiveTest {
    @TempDir
    private Path dir;

    static Stream<Arguments> meetings() {
        return Stream.of(1, 2, 3, 5).flatMap(n -> Stream.of(false, true).map(unix -> Arguments.of(n, unix)));
    }

    private String where(boolean unix) {
        return unix ? RankThreads.unix(dir) : RankThreads.loopback();
    }

    private static float[] numbers(int rank, int n) {
        Rng rng = Rng.of(rank + 1);
        float[] all = new float[n];
        for (int i = 0; i < n; i++) {
            all[i] = (float) rng.nextGaussian();
        }
        return all;
    }

    /** Uneven cuts, of which one rank has nothing, and slices of more than a block. */
    private static long[] cuts(int world, int n) {
        long[] cuts = new long[world + 1];
        for (int r = 1; r <= world; r++) {
            cuts[r] = r == world ? n : r == 2 ? cuts[1] : (long) n * r / (world + 1);
        }
        return cuts;
    }

    @ParameterizedTest
    @MethodSource("meetings")
    void sumsInTheOrderOfTheRanks(int world, boolean unix) {
        int n = 300_001;
        String where = where(unix);
        long[] cuts = cuts(world, n);
        List<float[]> sums = RankThreads.run(world, rank -> {
            try (Collective ranks = RankThreads.join(rank, world, where)) {
                float[] own = new float[(int) (cuts[rank + 1] - cuts[rank])];
                Arrays.fill(own, Float.NaN); // what is there does not count, unless it is asked to
                ranks.reduceScatter(Floats.of(numbers(rank, n)), cuts, Floats.of(own), false);
                ranks.reduceScatter(Floats.of(numbers(rank + 10, n)), cuts, Floats.of(own), true);
                return own;
            }
        });
        for (int rank = 0; rank < world; rank++) {
            for (int i = 0; i < sums.get(rank).length; i += 97) {
                int at = (int) cuts[rank] + i;
                float expected = all(0, n)[at];
                for (int r = 1; r < world; r++) {
                    expected += all(r, n)[at];
                }
                for (int r = 0; r < world; r++) {
                    expected += all(r + 10, n)[at];
                }
                assertEquals(expected, sums.get(rank)[i]);
            }
        }
    }

    private final float[][] cache = new float[20][];

    private float[] all(int rank, int n) {
        if (cache[rank] == null) {
            cache[rank] = numbers(rank, n);
        }
        return cache[rank];
    }

    @ParameterizedTest
    @MethodSource("meetings")
    void givesAllRanksAll(int world, boolean unix) {
        int n = 200_003;
        String where = where(unix);
        long[] cuts = cuts(world, n);
        float[] expected = new float[n];
        for (int r = 0; r < world; r++) {
            System.arraycopy(numbers(r, n), (int) cuts[r], expected, (int) cuts[r], (int) (cuts[r + 1] - cuts[r]));
        }
        List<float[]> all = RankThreads.run(world, rank -> {
            try (Collective ranks = RankThreads.join(rank, world, where)) {
                ranks.barrier();
                float[] mine = numbers(rank, n);
                ranks.allGather(Floats.of(mine), cuts);
                byte[][] words = ranks.allGather(("rank " + rank).getBytes(StandardCharsets.UTF_8));
                for (int r = 0; r < world; r++) {
                    assertEquals("rank " + r, new String(words[r], StandardCharsets.UTF_8));
                }
                byte[] large = new byte[rank == 0 ? 1_000_000 : 0];
                Arrays.fill(large, (byte) 7);
                assertEquals(1_000_000, ranks.allGather(large)[0].length);
                return mine;
            }
        });
        all.forEach(one -> assertArrayEquals(expected, one));
        assertTrue(!unix || dir.toFile().list().length == 0, "sockets are deleted");
    }

    private List<String> errors(int world, RankThreads.Work<?> work) {
        return RankThreads.errors(world, work);
    }

    private static Collective join(int rank, int world, String where, UnaryOperator<Member> other) {
        return Rendezvous.join(other.apply(RankThreads.member(rank, world)), Address.parse(where), _ -> {
        });
    }

    private static Member impatient(Member m) {
        return new Member(m.rank(), m.world(), m.secret(), m.program(), Duration.ofMillis(700));
    }

    @Test
    void aRankThatNeverComesIsNamed() {
        String where = where(false);
        List<String> errors = errors(3, rank -> rank == 1 ? null : join(rank, 3, where, CollectiveTest::impatient));
        assertEquals("rank 1 has not come to rank 0 within 700 ms. Start it, or see what it printed", errors.get(0));
        assertEquals(errors.get(0), errors.get(2));
    }

    @Test
    void rankZeroThatNeverComesIsNamed() {
        String where = where(false);
        List<String> errors = errors(2, rank -> rank == 0 ? null : join(rank, 2, where, CollectiveTest::impatient));
        assertTrue(errors.get(1).startsWith("rank 0 is not at " + where + " (Connection refused); rank 1 has tried for "
                + "700 ms. Start rank 0"), errors.get(1));
    }

    /** The one without the secret learns nothing; the others wait for one who knows it. */
    @Test
    void aWrongSecretIsRefused() {
        String where = where(false);
        List<String> notes = Collections.synchronizedList(new ArrayList<>());
        List<String> errors = errors(2, rank -> Rendezvous.join(new Member(rank, 2, new byte[] {(byte) rank}, "eslm",
                Duration.ofSeconds(1)), Address.parse(where), notes::add));
        assertEquals("the secret of rank 1 is not the one of the rank at " + where
                + ". Give all ranks of a job the same secret", errors.get(1));
        assertTrue(errors.get(0).startsWith("rank 1 has not come to rank 0 within 1 s."), errors.get(0));
        assertTrue(errors.get(0).contains("it hung up: perhaps its secret is another one"), errors.get(0));
        assertTrue(notes.getFirst().startsWith("sent away /127.0.0.1:"), notes.toString());
    }

    /** Somebody who speaks another language at the door keeps no rank out. */
    @Test
    void strangersAreSentAway() {
        String where = where(false);
        List<String> notes = Collections.synchronizedList(new ArrayList<>());
        RankThreads.run(2, rank -> {
            if (rank == 1) {
                Address at = Address.parse(where);
                while (true) {
                    try (Socket stranger = new Socket(at.host(), at.port())) {
                        stranger.getOutputStream().write("GET / HTTP/1.1\r\nHost: there\r\nAccept: everything\r\n\r\n"
                                .getBytes(StandardCharsets.US_ASCII));
                        break;
                    } catch (IOException _) {
                        Thread.sleep(20);
                    }
                }
            }
            try (Collective ranks = Rendezvous.join(RankThreads.member(rank, 2), Address.parse(where), notes::add)) {
                ranks.barrier();
                return null;
            }
        });
        assertTrue(notes.getFirst().endsWith("(it is no rank of a training)"), notes.toString());
    }

    @Test
    void anotherProgramIsRefused() {
        String where = where(true);
        // Rank 1 may come when rank 0 has ended, and would wait for it.
        List<String> errors = errors(3, rank -> join(rank, 3, where, m -> rank == 1 ? impatient(m)
                : rank == 2 ? new Member(2, 3, m.secret(), "eslm 2", m.timeout()) : m));
        assertEquals("rank 2 runs eslm 2, but rank 0 runs eslm test. Give all ranks the same version", errors.get(0));
        assertEquals(errors.get(0), errors.get(2));
    }

    @Test
    void anotherNumberOfRanksIsRefused() {
        String where = where(false);
        List<String> errors = errors(2, rank -> join(rank, 2 + rank, where, m -> m));
        assertEquals("rank 1 was started for 3 ranks, but rank 0 for 2. Give all the same number", errors.get(0));
        assertEquals(errors.get(0), errors.get(1));
    }

    @Test
    void aRankComesOnce() {
        String where = where(false);
        List<String> errors = errors(3, rank -> join(rank == 2 ? 1 : rank, 3, where, m -> m));
        assertEquals("rank 1 has come twice. Give each process another rank, from 0 to 2", errors.get(0));
    }

    /** It dies before all have come, though the last one comes before anybody has noticed; another process takes its place. */
    @Test
    void aRankThatDiedEarlyMayComeAgain() {
        String where = where(false);
        CountDownLatch dead = new CountDownLatch(1);
        CountDownLatch noticed = new CountDownLatch(1);
        List<String> errors = errors(3, rank -> {
            if (rank == 1) {
                impostor(where, 3, false);
                dead.countDown();
                noticed.await();
            } else if (rank == 2) {
                dead.await();
            }
            Rendezvous.join(RankThreads.member(rank, 3), Address.parse(where), note -> {
                if (note.startsWith("rank 1 had come and has ended")) {
                    noticed.countDown();
                }
            }).barrier();
            return null;
        });
        assertEquals(List.of("", "", ""), errors);
    }

    /** It dies when all know where it was: nobody looks for it until the time-out, and all name it. */
    @Test
    void aRankThatDiesBeforeAllAreConnectedIsNamedByAll() {
        String where = where(false);
        List<String> errors = errors(4, rank -> {
            if (rank == 1) {
                impostor(where, 4, true);
            } else {
                RankThreads.join(rank, 4, where).barrier();
            }
            return null;
        });
        assertEquals("rank 1 (127.0.0.1:1) has ended before all ranks were connected: it was killed, or see what it "
                + "printed", errors.get(0));
        assertEquals(errors.get(0), errors.get(2));
        assertEquals(errors.get(0), errors.get(3));
    }

    /** Comes to rank 0 as rank 1, says that it waits where nobody does, and ends: at once, or with the table. */
    private static void impostor(String where, int world, boolean waits) throws Exception {
        Member me = RankThreads.member(1, world);
        try (SocketChannel channel = reach(where);
                Session session = Session.begin(new Pipe(channel, null), me.secret(), true,
                        System.nanoTime() + 30_000_000_000L)) {
            JsonObject who = new JsonObject();
            who.addProperty("rank", 1);
            who.addProperty("world", world);
            who.addProperty("purpose", "control");
            who.addProperty("program", me.program());
            JsonObject at = new JsonObject();
            at.addProperty("port", 1);
            at.addProperty("host", "x");
            who.add("at", at);
            session.send(who);
            assertFalse(session.receive().has("end"));
            if (waits) {
                assertTrue(session.receive().has("ranks"));
            }
        }
    }

    private static SocketChannel reach(String where) throws Exception {
        while (true) {
            try {
                return Address.parse(where).open();
            } catch (IOException _) { // rank 0 does not wait yet
                Thread.sleep(10);
            }
        }
    }

    @Test
    void onlyASocketThatNobodyAnswersIsTakenAway() throws Exception {
        Path pipe = dir.resolve("pipe");
        assertEquals(0, new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor());
        Address there = Address.parse("unix:" + pipe);
        assertThrows(UserError.class, () -> Door.open(there, true));
        assertTrue(Files.exists(pipe), "somebody's pipe");
        assertThrows(UserError.class, () -> Address.parse("unix:a\0b"));
    }

    /** A killed process closes its connections and says nothing; all others name it, and no other. */
    @Test
    void aRankThatDiesIsNamedByAll() {
        String where = where(false);
        List<String> errors = errors(4, rank -> {
            Collective ranks = RankThreads.join(rank, 4, where);
            ranks.barrier();
            if (rank == 2) {
                ranks.close();
                return null;
            }
            Thread.sleep(100L * rank); // so that some find others gone that died of it
            float[] all = new float[1 << 20];
            ranks.reduceScatter(Floats.of(all), cuts(4, all.length), Floats.of(all), false);
            return null;
        });
        for (int rank : new int[] {0, 1, 3}) {
            assertTrue(errors.get(rank).startsWith("rank 2 (127.0.0.1:"), errors.toString());
            assertTrue(errors.get(rank).contains(") has ended without a word"), errors.toString());
        }
    }

    @Test
    void aRankThatMustEndSaysWhy() {
        String where = where(true);
        List<String> errors = errors(3, rank -> {
            Collective ranks = RankThreads.join(rank, 3, where);
            ranks.barrier();
            if (rank == 1) {
                ranks.abort("cannot write the checkpoint: no space left on device");
                throw new UserError("itself");
            }
            ranks.allGather(Floats.of(new float[100]), cuts(3, 100));
            return null;
        });
        assertEquals("rank 1 has ended: cannot write the checkpoint: no space left on device", errors.get(0));
        assertEquals(errors.get(0), errors.get(2));
    }

    /** Rank 1 stops in the middle of a sum: the others name it, though they also wait for each other. */
    @Test
    void aRankThatStallsIsNamedByAll() {
        String where = where(false);
        CountDownLatch gaveUp = new CountDownLatch(2);
        List<String> errors = errors(3, rank -> {
            Collective ranks = join(rank, 3, where, CollectiveTest::impatient);
            ranks.barrier();
            if (rank == 1) {
                gaveUp.await();
                return null;
            }
            float[] all = new float[1 << 22];
            try {
                ranks.reduceScatter(Floats.of(all), cuts(3, all.length), Floats.of(all), false);
            } finally {
                gaveUp.countDown();
            }
            return null;
        });
        for (int rank : new int[] {0, 2}) {
            assertTrue(errors.get(rank).startsWith("rank 1 (127.0.0.1:"), errors.toString());
            assertTrue(errors.get(rank).contains(") sent nothing for 700 ms, and rank "), errors.toString());
        }
    }

    @Test
    void aStaleSocketIsReplaced() throws IOException {
        Path path = dir.resolve("s");
        try (var left = java.nio.channels.ServerSocketChannel.open(java.net.StandardProtocolFamily.UNIX)) {
            left.bind(java.net.UnixDomainSocketAddress.of(path));
        }
        assertTrue(Files.exists(path));
        RankThreads.run(2, rank -> {
            try (Collective ranks = RankThreads.join(rank, 2, "unix:" + path)) {
                ranks.barrier();
                return null;
            }
        });
    }

    @Test
    void addressesAreUnderstood() {
        assertEquals("node1:29500", Address.parse("node1:29500").toString());
        assertEquals("[::1]:5", Address.parse("[::1]:5").toString());
        assertTrue(Address.parse("[::1]:5").isLocal() && Address.parse("localhost:1").isLocal()
                && Address.parse("unix:/x").isLocal() && !Address.parse("192.0.2.1:1").isLocal());
        for (String wrong : List.of("node1", ":5", "node1:", "node1:x", "node1:70000", "unix:")) {
            UserError e = org.junit.jupiter.api.Assertions.assertThrows(UserError.class, () -> Address.parse(wrong));
            assertTrue(e.getMessage().startsWith(wrong + ": "), e.getMessage());
        }
    }
}

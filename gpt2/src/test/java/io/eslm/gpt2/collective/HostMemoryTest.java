// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.collective;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Ranks of one host share memory where they can, and use the socket where one of them cannot. */
@DisabledOnOs(value = OS.WINDOWS,
        disabledReason = "there a file that is mapped cannot be deleted, so ranks use the socket")
class HostMemoryTest {
    private static final Duration LONG = Duration.ofSeconds(60);
    private static final int SIZE = 2 * Ring.bytes(1 << 16);

    @TempDir
    private Path dir;

    private static List<String> files() throws IOException {
        try (Stream<Path> all = Files.list(HostMemory.folder())) {
            return all.map(file -> file.getFileName().toString()).filter(name -> name.matches(HostMemory.NAMES))
                    .toList();
        }
    }

    /** Fails if one of the files that are there now stays: those of other tests come and go. */
    private static void noneIsLeft() throws Exception {
        List<String> now = files();
        for (int i = 0; i < 200 && files().stream().anyMatch(now::contains); i++) {
            Thread.sleep(50);
        }
        assertTrue(files().stream().noneMatch(now::contains), now.toString());
    }

    @Test
    void twoSeeTheSameBytes() throws IOException {
        HostMemory made = HostMemory.make(SIZE);
        assertNotNull(made);
        assertEquals("rw-------",
                PosixFilePermissions.toString(Files.getPosixFilePermissions(HostMemory.folder().resolve(made.name()))));
        HostMemory opened = HostMemory.open(made.name(), SIZE);
        assertNotNull(opened);
        assertTrue(Files.notExists(HostMemory.folder().resolve(made.name())));
        HostMemory.Rings one = made.rings(true);
        HostMemory.Rings other = opened.rings(false);
        assertEquals(1 << 16, one.capacity());
        for (Ring[] way : new Ring[][] {{one.out(), other.in()}, {other.out(), one.in()}}) {
            way[0].piece(64).putInt(7);
            way[0].move(4);
            assertEquals(7, way[1].piece(64).getInt());
        }
    }

    @Test
    void noOtherFileIsOpenedOrDeleted() throws Exception {
        Path mine = Files.write(dir.resolve("mine"), new byte[SIZE]);
        assertNull(HostMemory.open(mine.toString(), SIZE));
        assertNull(HostMemory.open("../" + mine, SIZE));
        assertNull(HostMemory.open("eslm-rank-00000000-0000-0000-0000-000000000000", SIZE));
        HostMemory made = HostMemory.make(SIZE);
        assertNull(HostMemory.open(made.name(), SIZE + 1));
        String link = "eslm-rank-00000000-0000-0000-0000-000000000001";
        Files.createSymbolicLink(HostMemory.folder().resolve(link), mine);
        assertNull(HostMemory.open(link, SIZE));
        assertEquals(ByteBuffer.allocate(SIZE), ByteBuffer.wrap(Files.readAllBytes(mine)));
        noneIsLeft();
    }

    /** One of the two ranks cannot share memory: the one that would make it, or the one that would open it. */
    @ParameterizedTest
    @ValueSource(ints = {0, 1})
    void whereOneCannotBothUseTheSocket(int cannot) throws Exception {
        sums(cannot, "-D" + Door.SOCKET_ONLY + "=true");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1})
    void whereBothCanTheSumsAreTheSame(int process) throws Exception {
        sums(process, "-Dother=true");
    }

    private void sums(int process, String option) throws Exception {
        String where = RankThreads.unix(dir);
        RankProcess other = RankProcess.start(process, 2, where, LONG, option, "-D" + RankProcess.SUMS + "=true");
        int rank = 1 - process;
        try (Collective ranks = Rendezvous.join(RankProcess.member(rank, 2, LONG), Address.parse(where), _ -> {
        })) {
            ranks.barrier();
            float[] own = RankProcess.sum(ranks);
            float[] expected = new float[own.length];
            for (int i = 0; i < own.length; i++) {
                expected[i] = 3 * ((rank * 300_000 + i) % 999);
            }
            assertArrayEquals(expected, own);
            other.goOn();
            ranks.barrier();
        } finally {
            other.kill();
        }
    }

    /** The other one is killed while this rank sleeps: its end is noticed, long before any time-out, and it leaves no file. */
    @Test
    void aKilledRankIsNoticedByOneThatSleeps() throws Exception {
        String where = RankThreads.unix(dir);
        RankProcess other = RankProcess.start(1, 2, where, LONG);
        CompletableFuture<Boolean> slept = new CompletableFuture<>();
        List<String> errors = RankThreads.errors(1, rank -> {
            Collective ranks = Rendezvous.join(RankProcess.member(rank, 2, LONG), Address.parse(where), _ -> {
            });
            ranks.barrier();
            assertEquals("here", other.line());
            Thread sleeper = Thread.currentThread();
            Thread.ofPlatform().daemon().start(() -> {
                try {
                    Thread.sleep(300);
                    slept.complete(
                            Stream.of(sleeper.getStackTrace()).anyMatch(f -> f.getMethodName().equals("select")));
                } catch (InterruptedException _) {
                    // killed all the same
                } finally {
                    other.kill();
                }
            });
            ranks.barrier();
            return null;
        });
        assertEquals(List.of("rank 1 (this host) has ended without a word (it hung up): it was killed, or its host is "
                + "gone"), errors);
        assertTrue(slept.get(), "this rank waited in the selector");
        noneIsLeft();
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.collective;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.tensor.UserError;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Ranks that meet through TLS: the same numbers, nothing that can be read on the way, and who has another key stays outside. */
class TlsTest {
    private static final String PASSWORD = "a secret of the tests";

    @TempDir
    private static Path dir;
    private static SSLContext key;
    private static SSLContext otherKey;

    @BeforeAll
    static void makeKeys() throws Exception {
        // so that ranks of one host go over the network
        System.setProperty(Door.NETWORK_ONLY, "true");
        key = Tls.context(store("job"), PASSWORD.toCharArray());
        otherKey = Tls.context(store("other"), PASSWORD.toCharArray());
    }

    @AfterAll
    static void restore() {
        System.clearProperty(Door.NETWORK_ONLY);
    }

    /** As docs/scale.md says. */
    private static Path store(String name) throws Exception {
        Path secret = Files.writeString(dir.resolve("secret"), PASSWORD);
        Path store = dir.resolve(name + ".p12");
        Process keytool = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair", "-keyalg", "EC", "-dname", "CN=eslm", "-alias", "job", "-storetype", "PKCS12",
                "-keystore",
                store.toString(), "-storepass:file", secret.toString()).redirectErrorStream(true).start();
        String said = new String(keytool.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, keytool.waitFor(), said);
        return store;
    }

    private static Collective join(int rank, int world, String where, SSLContext tls, int seconds) {
        Rendezvous.Member usual = RankThreads.member(rank, world);
        return Rendezvous.join(new Rendezvous.Member(rank, world, usual.secret(), usual.program(),
                Duration.ofSeconds(seconds), Duration.ofSeconds(seconds), tls), Address.parse(where), _ -> {
                });
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3})
    void sumsAreTheSame(int world) {
        String where = RankThreads.loopback();
        int n = 700_003;
        long[] cuts = new long[world + 1];
        for (int r = 1; r <= world; r++) {
            cuts[r] = (long) n * r / world;
        }
        List<float[]> all = RankThreads.run(world, rank -> {
            try (Collective ranks = join(rank, world, where, key, 60)) {
                float[] mine = new float[n];
                for (int i = 0; i < n; i++) {
                    mine[i] = (rank + 1) * (i % 1000);
                }
                float[] own = new float[(int) (cuts[rank + 1] - cuts[rank])];
                ranks.reduceScatter(Floats.of(mine), cuts, Floats.of(own), false);
                System.arraycopy(own, 0, mine, (int) cuts[rank], own.length);
                ranks.allGather(Floats.of(mine), cuts);
                assertEquals("rank 1", new String(ranks.allGather(("rank " + rank).getBytes(StandardCharsets.UTF_8))[1],
                        StandardCharsets.UTF_8));
                return mine;
            }
        });
        float[] expected = new float[n];
        for (int i = 0; i < n; i++) {
            expected[i] = world * (world + 1) / 2 * (i % 1000);
        }
        all.forEach(one -> assertArrayEquals(expected, one));
    }

    @Test
    void aRankThatMustEndSaysWhy() {
        String where = RankThreads.loopback();
        List<String> errors = RankThreads.errors(2, rank -> {
            Collective ranks = join(rank, 2, where, key, 60);
            ranks.barrier();
            if (rank == 1) {
                ranks.abort("no space left on device");
            } else {
                ranks.barrier();
            }
            return null;
        });
        assertEquals(List.of("rank 1 has ended: no space left on device", ""), errors);
    }

    @Test
    void whoHasAnotherKeyStaysOutside() {
        String where = RankThreads.loopback();
        List<String> errors = RankThreads.errors(2, rank -> join(rank, 2, where, rank == 0 ? key : otherKey, 2));
        assertTrue(errors.get(0).startsWith("rank 1 has not come to rank 0 within 2 s."), errors.toString());
        assertTrue(errors.get(0).contains("it hung up: perhaps its secret or its TLS key is another one"),
                errors.toString());
        assertTrue(errors.get(1).startsWith("rank 1 cannot begin with the rank at " + where
                + ": TLS does not come about: "), errors.toString());
        assertTrue(errors.get(1).endsWith(". Give all ranks the same file with the key, or give it to none"),
                errors.toString());
    }

    /** Rank 0 alone with TLS, and at the same time, of two other ranks, rank 1 alone. */
    @Test
    void bothOrNoneUseTls() {
        List<String> where = List.of(RankThreads.loopback(), RankThreads.loopback());
        List<String> errors = RankThreads.errors(4, thread -> {
            int job = thread / 2;
            int rank = thread % 2;
            return join(rank, 2, where.get(job), rank == job ? key : null, 2);
        });
        for (int job : new int[] {0, 1}) {
            assertTrue(errors.get(2 * job).contains(job == 0 ? "TLS does not come about: "
                    : "it uses TLS, and this rank does not"), errors.toString());
            assertTrue(errors.get(2 * job + 1).startsWith("rank 1 cannot begin with the rank at " + where.get(job)),
                    errors.toString());
        }
    }

    /** Somebody on the way hears who comes, unless it is said through TLS. */
    @Test
    void nothingCanBeReadOnTheWay() throws Exception {
        assertTrue(overheard(null).contains("\"program\""));
        assertFalse(overheard(key).contains("\"program\""));
    }

    /** What two ranks say to each other while they meet, where the second comes to the first through somebody. */
    private static String overheard(SSLContext tls) throws Exception {
        String where = RankThreads.loopback();
        ByteArrayOutputStream heard = new ByteArrayOutputStream();
        try (ServerSocket between = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
            Thread.ofVirtual().start(() -> {
                try {
                    while (true) {
                        Socket from = between.accept();
                        Address to = Address.parse(where);
                        Socket on = new Socket(to.host(), to.port());
                        Thread.ofVirtual().start(() -> copy(from, on, heard));
                        Thread.ofVirtual().start(() -> copy(on, from, heard));
                    }
                } catch (IOException _) {
                    // the end
                }
            });
            RankThreads.run(2, rank -> {
                while (rank == 1) { // until rank 0 is there
                    try (Socket _ = new Socket("127.0.0.1", Address.parse(where).port())) {
                        break;
                    } catch (IOException _) {
                        Thread.sleep(10);
                    }
                }
                try (Collective ranks =
                        join(rank, 2, rank == 0 ? where : "127.0.0.1:" + between.getLocalPort(), tls, 60)) {
                    ranks.barrier();
                    return null;
                }
            });
        }
        return heard.toString(StandardCharsets.ISO_8859_1);
    }

    private static void copy(Socket from, Socket to, OutputStream heard) {
        byte[] some = new byte[1 << 12];
        try (InputStream in = from.getInputStream(); OutputStream out = to.getOutputStream()) {
            for (int n = in.read(some); n >= 0; n = in.read(some)) {
                synchronized (heard) {
                    heard.write(Arrays.copyOf(some, n));
                }
                out.write(some, 0, n);
            }
        } catch (IOException _) {
            // the end
        }
    }

    /** A certificate alone: nobody could know this rank by it. */
    @Test
    void aFileWithoutAKeyIsRefused() throws Exception {
        KeyStore whole = KeyStore.getInstance(dir.resolve("job.p12").toFile(), PASSWORD.toCharArray());
        KeyStore certificate = KeyStore.getInstance("PKCS12");
        certificate.load(null, null);
        certificate.setCertificateEntry("job", whole.getCertificate("job"));
        Path store = dir.resolve("certificate.p12");
        try (OutputStream out = Files.newOutputStream(store)) {
            certificate.store(out, PASSWORD.toCharArray());
        }
        assertEquals(store
                + ": has certificates, but no key. Give the file that keytool -genkeypair has made (docs/scale.md)",
                assertThrows(UserError.class, () -> Tls.context(store, PASSWORD.toCharArray())).getMessage());
    }

    @Test
    void anotherPasswordIsOneSentence() {
        Path store = dir.resolve("job.p12");
        UserError e = assertThrows(UserError.class, () -> Tls.context(store, "another one".toCharArray()));
        assertTrue(e.getMessage().startsWith(store + ": no key can be read ("), e.getMessage());
        assertTrue(e.getMessage().endsWith("). It must be a PKCS#12 file whose password is the secret of the job"),
                e.getMessage());
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.collective;

import io.eslm.gpt2.collective.Rendezvous.Member;
import io.eslm.tensor.UserError;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Runs ranks as threads of this JVM, which meet over loopback or a Unix-domain socket. */
public final class RankThreads {
    /** Long enough for a busy machine; a test that needs it has failed. */
    private static final int SECONDS = 120;

    private RankThreads() {
    }

    /** What one rank does. */
    @FunctionalInterface
    public interface Work<T> {
        T run(int rank) throws Exception;
    }

    /** Results of all ranks; the first error of a rank, as it was thrown. */
    public static <T> List<T> run(int world, Work<T> work) {
        List<T> results = new ArrayList<>();
        for (Future<T> future : start(world, work)) {
            results.add(result(future));
        }
        return results;
    }

    /** For each rank the message of the error with which it ended; "" if it did not. */
    public static List<String> errors(int world, Work<?> work) {
        List<String> errors = new ArrayList<>();
        for (Future<?> future : start(world, work)) {
            try {
                result(future);
                errors.add("");
            } catch (UserError e) {
                errors.add(e.getMessage());
            }
        }
        return errors;
    }

    private static <T> List<Future<T>> start(int world, Work<T> work) {
        List<Future<T>> all = new ArrayList<>();
        ExecutorService threads = Executors.newFixedThreadPool(world, Thread.ofPlatform().daemon().factory());
        for (int r = 0; r < world; r++) {
            int rank = r;
            all.add(threads.submit(() -> work.run(rank)));
        }
        threads.shutdown();
        return all;
    }

    private static <T> T result(Future<T> future) {
        try {
            return future.get(SECONDS, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RuntimeException r) {
                throw r;
            }
            throw new AssertionError(e.getCause());
        } catch (InterruptedException | TimeoutException e) {
            throw new AssertionError("a rank hangs", e);
        }
    }

    /** A port on loopback that is free now. */
    public static String loopback() {
        try (ServerSocket socket = new ServerSocket(0)) {
            return "127.0.0.1:" + socket.getLocalPort();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** A socket in {@code dir}. */
    public static String unix(Path dir) {
        return "unix:" + dir.resolve("s");
    }

    static Member member(int rank, int world) {
        return new Member(rank, world, "a secret of the tests".getBytes(StandardCharsets.UTF_8), "eslm test",
                Duration.ofSeconds(60));
    }

    /** The ranks of a job that meet at {@code where}. */
    public static Collective join(int rank, int world, String where) {
        return Rendezvous.join(member(rank, world), Address.parse(where), _ -> {
        });
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.eslm.fuzz;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.tensor.io.FileTrees;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The long run of tools/reliability/fuzz: so many inputs over all readers, on all cores. Saves each input that ends unclean, and
 * fails if there is one. The same seed gives the same inputs.
 */
class FuzzCampaign {
    private static final long INPUTS = Long.getLong("fuzz.inputs", 100_000);
    private static final long SEED = Long.getLong("fuzz.seed", 1);
    private static final Path FAULTS = Path.of(System.getProperty("fuzz.faults", "target/fuzz-faults"));
    /** Inputs of one target that a thread takes at a time. */
    private static final int SHARE = 2000;
    private static final int MOST_SAVED = 20;
    private static final long ENDLESS_NANOS = 60_000_000_000L;

    private final AtomicLong done = new AtomicLong();
    private final Map<String, long[]> ends = new ConcurrentHashMap<>();
    private final Map<String, AtomicInteger> faults = new ConcurrentHashMap<>();

    @Test
    @Timeout(value = 1, unit = TimeUnit.DAYS)
    void allReaders() throws Exception {
        long weights = Targets.ALL.stream().mapToLong(Target::weight).sum();
        List<Thread> threads = new ArrayList<>();
        Map<Thread, Fuzzer> running = new ConcurrentHashMap<>();
        var shares = new ConcurrentLinkedQueue<Runnable>();
        for (Target target : Targets.ALL) {
            long inputs = Math.ceilDiv(INPUTS * target.weight(), weights);
            List<byte[]> kept = target.kept();
            for (long from = 0; from < inputs; from += SHARE) {
                long begin = from;
                long end = Math.min(inputs, from + SHARE);
                shares.add(() -> share(target, kept, begin, end, running));
            }
        }
        for (int i = 0; i < Runtime.getRuntime().availableProcessors(); i++) {
            threads.add(Thread.ofPlatform().daemon().start(() -> {
                for (Runnable share = shares.poll(); share != null; share = shares.poll()) {
                    share.run();
                }
            }));
        }
        for (Thread thread : threads) {
            while (!thread.join(Duration.ofSeconds(5))) {
                running.values().forEach(this::watch);
            }
        }
        print();
        assertTrue(faults.isEmpty(), () -> "unclean ends, see " + FAULTS.toAbsolutePath() + ": " + faults);
    }

    private void share(Target target, List<byte[]> kept, long begin, long end, Map<Thread, Fuzzer> running) {
        Path folder = Fuzzer.folder();
        try {
            Fuzzer fuzzer = new Fuzzer(target, kept, folder);
            running.put(Thread.currentThread(), fuzzer);
            for (long i = begin; i < end; i++) {
                byte[] input = fuzzer.input(SEED * 1_000_000_007L + i);
                String fault = fuzzer.end(input);
                if (fault != null) {
                    save(target.name(), input, fault);
                }
                done.incrementAndGet();
            }
            ends.merge(target.name(), new long[] {end - begin, fuzzer.read, fuzzer.refused}, (a, b) -> {
                for (int i = 0; i < a.length; i++) {
                    b[i] += a[i];
                }
                return b;
            });
        } finally {
            running.remove(Thread.currentThread());
            FileTrees.delete(folder);
        }
    }

    /** An endless loop cannot be left: reports it and ends the program. */
    private void watch(Fuzzer fuzzer) {
        byte[] input = fuzzer.current;
        if (input != null && System.nanoTime() - fuzzer.since > ENDLESS_NANOS) {
            save("endless", input, "does not end");
            print();
            Runtime.getRuntime().halt(1);
        }
    }

    private void save(String target, byte[] input, String fault) {
        int number = faults.computeIfAbsent(target, _ -> new AtomicInteger()).incrementAndGet();
        if (number <= MOST_SAVED) {
            System.out.println("UNCLEAN " + target + ": " + fault.lines().findFirst().orElse(""));
            try {
                Files.createDirectories(FAULTS);
                Files.write(FAULTS.resolve(target + "-" + number), input);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    private void print() {
        System.out.printf("%-16s %12s %12s %12s %8s%n", "reader", "inputs", "read", "refused", "unclean");
        new TreeMap<>(ends)
                .forEach((name, n) -> System.out.printf("%-16s %,12d %,12d %,12d %8d%n", name, n[0], n[1], n[2],
                        faults.containsKey(name) ? faults.get(name).get() : 0));
        System.out.printf("%,d inputs, %d unclean ends%n", done.get(),
                faults.values().stream().mapToInt(AtomicInteger::get).sum());
    }
}

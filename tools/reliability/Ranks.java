// SPDX-License-Identifier: Apache-2.0

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Kills, with SIGKILL, or stops, with SIGSTOP, one of four ranks at random moments. All others must end by themselves, and say which
 * rank it was; then all start again from the last checkpoint. The run must end with the bits of one process that nobody disturbed.
 *
 * <p>{@code tools/reliability/ranks [KILLS [SEED]]}; the exit code is 0 only if all that holds.
 */
final class Ranks {
    private static final int WORLD = 4;
    private static final int SILENCE = 3;
    /** An end that takes longer has failed. */
    private static final int SECONDS = 120;
    private static final Queue<Process> STARTED = new ConcurrentLinkedQueue<>();

    private final Path temp;
    private final Random random;
    private final List<String> faults = new ArrayList<>();
    private int kills;
    private int stops;
    private int runs;

    private Ranks(Path temp, long seed) {
        this.temp = temp;
        random = new Random(seed);
    }

    public static void main(String[] args) throws Exception {
        int wanted = args.length > 0 ? Integer.parseInt(args[0]) : 10;
        long seed = args.length > 1 ? Long.parseLong(args[1]) : 1;
        Path temp = Files.createTempDirectory("eslm-ranks-");
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            STARTED.forEach(Process::destroyForcibly);
            Kill.delete(temp);
        }));
        System.exit(new Ranks(temp, seed).run(wanted, seed) ? 0 : 1);
    }

    private boolean run(int wanted, long seed) throws Exception {
        Kill.makeData(temp);
        Path whole = temp.resolve("whole");
        List<String> alone = new ArrayList<>(List.of("--out-dir", whole.toString(), "--world", "1"));
        alone.addAll(options());
        if (!Kill.ended(Kill.program(temp.resolve("whole.log"), alone))) {
            throw new IllegalStateException("the undisturbed run failed:\n" + Files.readString(temp.resolve("whole.log")));
        }
        while (kills + stops < wanted && faults.isEmpty()) {
            Path run = temp.resolve("run-" + ++runs);
            for (int left = 1 + random.nextInt(5); left > 0 && kills + stops < wanted && faults.isEmpty(); left--) {
                disturb(run, start(run));
            }
            if (faults.isEmpty()) {
                finish(run, whole);
            }
            Kill.delete(run);
        }
        System.out.printf("%d ranks killed and %d stopped in %d runs of %d ranks, seed %d: %s%n", kills, stops, runs, WORLD, seed,
                faults.isEmpty() ? "all others ended and named them, and all runs have the bits of one process" : "a fault");
        faults.forEach(System.out::println);
        return faults.isEmpty();
    }

    private List<String> options() {
        List<String> words = new ArrayList<>(Kill.options(temp, 2));
        words.addAll(List.of("--grad-accum", "" + WORLD));
        return words;
    }

    private Path log(int rank) {
        return temp.resolve("rank-" + rank + ".log");
    }

    private List<Process> start(Path run) throws IOException {
        boolean resume = Files.exists(run.resolve("config.json"));
        List<Process> all = new ArrayList<>();
        for (int rank = 0; rank < WORLD; rank++) {
            Files.deleteIfExists(log(rank));
            List<String> words = new ArrayList<>(List.of("--world", "" + WORLD, "--rank", "" + rank, "--rendezvous",
                    "unix:" + temp.resolve("s"), "--world-timeout", "60", "--world-silence", "" + SILENCE, "--threads", "1"));
            if (rank == 0) {
                words.addAll(List.of("--out-dir", run.toString()));
            }
            words.addAll(resume ? List.of("--init-from", "resume", "--backend", "scalar", "--data", temp.resolve("data").toString())
                    : options());
            Process process = Kill.program(log(rank), words);
            all.add(process);
            STARTED.add(process);
        }
        return all;
    }

    /** Kills or stops a rank in the first steps, or in those after the next checkpoints. */
    private void disturb(Path run, List<Process> all) throws Exception {
        int steps = lines(run) + 1 + random.nextInt(6);
        while (all.stream().allMatch(Process::isAlive) && lines(run) < steps) {
            LockSupport.parkNanos(100_000);
        }
        LockSupport.parkNanos(random.nextLong(TimeUnit.MILLISECONDS.toNanos(50)));
        int rank = random.nextInt(WORLD);
        Process victim = all.get(rank);
        if (all.stream().anyMatch(process -> !process.isAlive())) {
            awaitAll(all); // the run was quicker
            return;
        }
        if (random.nextBoolean()) {
            kills++;
            victim.destroyForcibly();
        } else {
            stops++;
            new ProcessBuilder("kill", "-STOP", "" + victim.pid()).start().waitFor();
        }
        for (int r = 0; r < WORLD; r++) {
            if (r != rank) {
                boolean ended = all.get(r).waitFor(SECONDS, TimeUnit.SECONDS);
                String said = Files.readString(log(r));
                if (!ended || all.get(r).exitValue() != 0 && !said.contains("rank " + rank + " (")) {
                    faults.add("rank " + r + (ended ? " did not name rank " : " did not end after the loss of rank ") + rank + ":\n"
                            + said);
                }
            }
        }
        all.forEach(Process::destroyForcibly);
        awaitAll(all);
    }

    private static void awaitAll(List<Process> all) throws InterruptedException {
        for (Process process : all) {
            process.waitFor();
        }
    }

    private static int lines(Path run) {
        try {
            return Files.readAllLines(run.resolve("metrics.jsonl")).size();
        } catch (IOException e) {
            return 0;
        }
    }

    private void finish(Path run, Path whole) throws Exception {
        List<Process> all = start(run);
        for (int r = 0; r < WORLD; r++) {
            if (!Kill.ended(all.get(r))) {
                faults.add("rank " + r + " did not go on:\n" + Files.readString(log(r)));
            }
        }
        String difference = faults.isEmpty() ? Kill.difference(run, whole) : "";
        if (!difference.isEmpty()) {
            faults.add("run " + runs + ": " + difference);
        }
    }
}

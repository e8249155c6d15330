// SPDX-License-Identifier: Apache-2.0

import io.eslm.tensor.io.Json;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

/**
 * Kills training processes at random moments with SIGKILL, and resumes them until they are done. Each run must end with the bits
 * of one that nobody disturbed: weights, moments, state, and metrics but for the times.
 *
 * <p>{@code tools/reliability/kill [KILLS [SEED [AT-ONCE]]]}; the exit code is 0 only if no run was lost or differs.
 */
final class Kill {
    /** Steps of a run; evaluations at 5, 10 and the end. */
    private static final int STEPS = 12;
    private static final int[] INTERVALS = {1, 2, 5};
    private static final int MOST_KILLS_OF_A_RUN = 8;
    private static final List<String> SAVED = List.of("model.safetensors", "optimizer.safetensors", "trainer.json");
    private static final List<String> TIMES = List.of("ms", "tokens_per_s", "mfu");
    /** An end of a process that nobody killed, and that took too long. */
    private static final Duration STUCK = Duration.ofMinutes(2);

    private final Path temp;
    private final int wanted;
    private final long seed;
    private final AtomicInteger kills = new AtomicInteger();
    private final Map<String, Integer> phases = new ConcurrentHashMap<>();
    private final List<String> lost = new ArrayList<>();
    private final List<String> different = new ArrayList<>();

    /** When to kill. */
    private enum Moment {
        /** Some time after the start of the process: while the JVM starts, or in the first steps. */
        EARLY,
        /** Some time after the record of the run has appeared: most often before the first checkpoint is whole. */
        BEGUN,
        /** Some time after a checkpoint that is being written has appeared. */
        SAVING,
        /** Some time after the next checkpoint is whole. */
        LATE
    }

    private Kill(Path temp, int wanted, long seed) {
        this.temp = temp;
        this.wanted = wanted;
        this.seed = seed;
    }

    public static void main(String[] args) throws Exception {
        int wanted = args.length > 0 ? Integer.parseInt(args[0]) : 1000;
        long seed = args.length > 1 ? Long.parseLong(args[1]) : 1;
        int atOnce = args.length > 2 ? Integer.parseInt(args[2]) : Runtime.getRuntime().availableProcessors();
        Path temp = Files.createTempDirectory("eslm-kill-");
        Kill campaign = new Kill(temp, wanted, seed);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> delete(temp)));
        System.exit(campaign.run(atOnce) ? 0 : 1);
    }

    private boolean run(int atOnce) throws Exception {
        long begin = System.nanoTime();
        makeData(temp);
        Map<Integer, Process> whole = new TreeMap<>();
        for (int interval : INTERVALS) {
            whole.put(interval, start(reference(interval), interval, false, log(interval)));
        }
        for (int interval : INTERVALS) {
            if (!ended(whole.get(interval))) {
                throw new IllegalStateException("the undisturbed run failed:\n" + Files.readString(log(interval)));
            }
        }
        AtomicInteger runs = new AtomicInteger();
        try (ExecutorService pool = Executors.newFixedThreadPool(atOnce)) {
            List<Future<?>> all = new ArrayList<>();
            for (int i = 0; i < atOnce; i++) {
                all.add(pool.submit(() -> {
                    while (kills.get() < wanted) {
                        episode(runs.incrementAndGet());
                    }
                    return null;
                }));
            }
            for (Future<?> one : all) {
                one.get();
            }
        }
        report(runs.get(), (System.nanoTime() - begin) * 1e-9);
        return lost.isEmpty() && different.isEmpty();
    }

    private void report(int runs, double seconds) {
        System.out.printf("%,d kills of %,d runs in %.0f s, seed %d:%n", kills.get(), runs, seconds, seed);
        new TreeMap<>(phases).forEach((phase, n) -> System.out.printf("  %5d  %s%n", n, phase));
        System.out.printf("%d runs lost, %d with other bits than an undisturbed run%n", lost.size(), different.size());
        Stream.concat(lost.stream(), different.stream()).forEach(System.out::println);
    }

    /** Tokens that can be learnt: most follow from the one before. */
    static void makeData(Path temp) throws IOException {
        Path data = Files.createDirectories(temp.resolve("data"));
        Random random = new Random(7);
        for (String file : List.of("train.bin", "val.bin")) {
            byte[] bytes = new byte[8000];
            for (int i = 2; i < bytes.length; i += 2) {
                bytes[i] = (byte) (random.nextInt(4) == 0 ? random.nextInt(64) : (bytes[i - 2] * 5 + 1) % 64);
            }
            Files.write(data.resolve(file), bytes);
        }
    }

    private Path reference(int interval) {
        return temp.resolve("whole-" + interval);
    }

    private Path log(int interval) {
        return temp.resolve("whole-" + interval + ".log");
    }

    /** One run from its beginning to its end, with some kills on the way. */
    private void episode(int number) throws IOException, InterruptedException {
        Random random = new Random(seed * 1_000_003 + number);
        int interval = INTERVALS[random.nextInt(INTERVALS.length)];
        Path run = temp.resolve("run-" + number);
        Path log = temp.resolve("run-" + number + ".log");
        for (int left = 1 + random.nextInt(MOST_KILLS_OF_A_RUN); left > 0 && kills.get() < wanted; left--) {
            Process process = start(run, interval, Files.exists(run.resolve("config.json")), log);
            await(process, run, Moment.values()[random.nextInt(Moment.values().length)], random);
            if (process.isAlive()) {
                process.destroyForcibly();
                process.waitFor();
                int all = kills.incrementAndGet();
                if (all % 100 == 0) {
                    System.out.printf("%,d kills so far, %d runs lost, %d with other bits%n", all, lost.size(),
                            different.size());
                }
                phases.merge(phase(run), 1, Integer::sum);
            } else if (process.exitValue() != 0) {
                note(lost, number, Files.readString(log));
                return;
            }
        }
        boolean done = ended(start(run, interval, Files.exists(run.resolve("config.json")), log));
        String difference = done ? difference(run, reference(interval)) : "";
        if (!done) {
            note(lost, number, Files.readString(log));
        } else if (!difference.isEmpty()) {
            note(different, number, difference);
        }
        delete(run);
        Files.deleteIfExists(log);
    }

    private static void note(List<String> list, int number, String why) {
        synchronized (list) {
            list.add("run " + number + ": " + why);
        }
    }

    private Process start(Path run, int interval, boolean resume, Path log) throws IOException {
        List<String> words = new ArrayList<>(List.of("--out-dir", run.toString()));
        words.addAll(resume ? List.of("--backend", "scalar", "--init-from", "resume") : options(temp, interval));
        return program(log, words);
    }

    /** The options of a short run. */
    static List<String> options(Path temp, int interval) {
        return List.of("--data", temp.resolve("data").toString(), "--backend", "scalar",
                "--method", "ada-cvar-loss:alpha=0.3,interval=2", "--n-layer", "2", "--n-head", "2", "--n-embd", "48",
                "--block-size", "16", "--vocab-size", "1024", "--batch-size", "4", "--dropout", "0.1", "--max-iters",
                "" + STEPS, "--eval-interval", "5", "--eval-iters", "2", "--checkpoint-interval", "" + interval);
    }

    /** Starts a training with these words. */
    static Process program(Path log, List<String> words) throws IOException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
        String jars = System.getProperty("java.class.path");
        Path cache = Path.of(jars.split(":")[0]).resolveSibling("aot");
        if (Files.exists(cache)) {
            command.add("-XX:AOTCache=" + cache);
        }
        command.addAll(List.of("-cp", jars, "io.eslm.cli.Main", "train"));
        command.addAll(words);
        return new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
                .start();
    }

    /** True if {@code process} ends by itself, and well. */
    static boolean ended(Process process) throws InterruptedException {
        if (!process.waitFor(STUCK.toSeconds(), TimeUnit.SECONDS)) {
            process.destroyForcibly().waitFor();
            return false;
        }
        return process.exitValue() == 0;
    }

    /** Waits for a moment in the life of {@code process}, or for its end. */
    private static void await(Process process, Path run, Moment moment, Random random) {
        Path checkpoints = run.resolve("checkpoints");
        List<String> there = names(checkpoints);
        while (process.isAlive() && !switch (moment) {
            case EARLY -> true;
            case BEGUN -> Files.exists(run.resolve("config.json"));
            case SAVING -> names(checkpoints).stream().anyMatch(name -> name.startsWith(".tmp-"));
            case LATE -> names(checkpoints).stream().anyMatch(name -> name.startsWith("step-") && !there.contains(name));
        }) {
            LockSupport.parkNanos(100_000);
        }
        long most = switch (moment) {
            case EARLY -> TimeUnit.MILLISECONDS.toNanos(1500);
            case BEGUN, LATE -> TimeUnit.MILLISECONDS.toNanos(100);
            case SAVING -> TimeUnit.MILLISECONDS.toNanos(25);
        };
        long until = System.nanoTime() + random.nextLong(most);
        while (process.isAlive() && System.nanoTime() < until) {
            LockSupport.parkNanos(100_000);
        }
    }

    /** What a kill found, by what it left. */
    private static String phase(Path run) {
        if (!Files.exists(run.resolve("config.json"))) {
            return Files.exists(run) ? "before the record of the run was there" : "before the folder was there";
        }
        List<String> checkpoints = names(run.resolve("checkpoints"));
        for (String name : checkpoints) {
            if (name.startsWith(".tmp-")) {
                return "within a checkpoint, with " + names(run.resolve("checkpoints").resolve(name)).size() + " files there";
            }
        }
        return checkpoints.isEmpty() ? "before the first checkpoint" : "between checkpoints";
    }

    private static List<String> names(Path folder) {
        List<String> names = new ArrayList<>();
        try (DirectoryStream<Path> all = Files.newDirectoryStream(folder)) {
            all.forEach(path -> names.add(path.getFileName().toString()));
        } catch (IOException e) {
            // not there yet, or not any more
        }
        return names;
    }

    /** How two finished runs differ; "" if they do not. */
    static String difference(Path run, Path whole) throws IOException {
        String last = "checkpoints/step-%06d".formatted(STEPS);
        for (String file : SAVED) {
            if (!Arrays.equals(Files.readAllBytes(run.resolve(last).resolve(file)),
                    Files.readAllBytes(whole.resolve(last).resolve(file)))) {
                return file + " differs";
            }
        }
        if (!metrics(run).equals(metrics(whole))) {
            return "metrics.jsonl differs:\n" + String.join("\n", metrics(run));
        }
        try (Stream<Path> all = Files.walk(run)) {
            return all.filter(path -> path.getFileName().toString().matches("\\.tmp-.*|\\..*\\.tmp|\\.holder\\.json"))
                    .findFirst().map(path -> path + " was left behind").orElse("");
        }
    }

    /** The log without what a clock measured. */
    private static List<String> metrics(Path run) throws IOException {
        return Files.readAllLines(run.resolve("metrics.jsonl")).stream().map(Json::parse).map(line -> {
            TIMES.forEach(line::remove);
            return Json.line(line);
        }).toList();
    }

    static void delete(Path folder) {
        try (Stream<Path> all = Files.walk(folder)) {
            for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(path);
            }
        } catch (IOException e) {
            System.err.println("cannot delete " + folder + ": " + e.getMessage());
        }
    }
}

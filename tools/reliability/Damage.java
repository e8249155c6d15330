// SPDX-License-Identifier: Apache-2.0
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.checkpoint.ModelFolder;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.run.Run;
import io.eslm.run.RunEngine;
import io.eslm.tensor.Rng;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import io.eslm.tensor.io.FileSum;
import io.eslm.tensor.io.FileTrees;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * Damages the folder of a run that was stopped at step 8 of 12, with checkpoints of steps 4 and 8; resumes it, and loads its
 * model. Right is, for the newest checkpoint and for config.json: an error, or the older checkpoint and a notice, which name the
 * file. For the rest: an error, or the same result as without the damage. Whatever trains to the end must reach the same bits.
 *
 * <p>Arguments: the number of damages, and the seed of the places.
 */
public final class Damage {
    private static final String[] KINDS = {"flip a bit", "flip 8 bits", "change a digit", "zero a page", "cut off", "empty",
        "append", "insert a byte", "repeat a piece", "delete", "folder instead", "that of the other checkpoint",
        "swap with the other checkpoint", "swap with another file"};
    private static final String NEWEST = "checkpoints/step-000008";
    private static final String OLDER = "checkpoints/step-000004";
    private static final List<String> RESULT = List.of("model.safetensors", "optimizer.safetensors", "trainer.json");

    private final Path work;
    private final Rng rng;
    private final Backend backend = Backends.open("scalar", 1);
    private final Map<String, Integer> outcomes = new TreeMap<>();
    private final List<String> failures = new ArrayList<>();
    private Path whole;
    private List<FileSum> expected;
    private Gpt2 model;

    private Damage(Path work, long seed) {
        this.work = work;
        this.rng = Rng.of(seed);
    }

    public static void main(String[] args) throws IOException {
        int count = args.length > 0 ? Integer.parseInt(args[0]) : 1000;
        long seed = args.length > 1 ? Long.parseLong(args[1]) : 1;
        List<String> failures = run(count, seed);
        failures.forEach(System.out::println);
        System.exit(failures.isEmpty() ? 0 : 1);
    }

    /** Returns what went wrong, a line each. */
    public static List<String> run(int count, long seed) throws IOException {
        Path work = Files.createTempDirectory("eslm-damage");
        try {
            Damage damage = new Damage(work, seed);
            damage.prepare(count >= 500);
            damage.folders();
            damage.files(count);
            damage.outcomes.forEach((outcome, n) -> System.out.printf("%6d  %s%n", n, outcome));
            System.out.printf("%d damages, %d wrong%n", damage.outcomes.values().stream().mapToInt(n -> n).sum(),
                    damage.failures.size());
            return damage.failures;
        } finally {
            FileTrees.delete(work);
        }
    }

    /** @param text whether the run leaves samples, for which it needs GPT-2's whole vocabulary */
    private void prepare(boolean text) throws IOException {
        Path data = FileTrees.make(work.resolve("data"));
        Files.write(data.resolve("train.bin"), tokens(4000));
        Files.write(data.resolve("val.bin"), tokens(500));
        whole = work.resolve("whole");
        Gpt2Config config = Gpt2Config.of(1, 1, 8, 8);
        long[] step = new long[1];
        Run.create().data(data.toString()).model(text ? config : config.with(Gpt2Config.VOCAB_SIZE, 64)).folder(whole)
                .method("ada-cvar-loss:interval=2").option(Run.BACKEND, "scalar").option(Run.THREADS, 1)
                .option(TrainOptions.MAX_ITERS, 12).option(TrainOptions.BATCH_SIZE, 2)
                .option(TrainOptions.EVAL_INTERVAL, 4).option(TrainOptions.EVAL_ITERS, 1)
                .option(TrainOptions.CHECKPOINT_INTERVAL, 4).option(TrainOptions.SAMPLE_INTERVAL, 8)
                .listener(event -> step[0] = event.step()).start(() -> step[0] == 8);
        model = ModelFolder.load(whole, backend);
        Path undisturbed = copy(whole, "undisturbed");
        resume(undisturbed);
        expected = result(undisturbed);
    }

    private byte[] tokens(int n) {
        byte[] bytes = new byte[2 * n];
        for (int i = 2; i < bytes.length; i += 2) {
            bytes[i] = (byte) (rng.nextInt(4) == 0 ? rng.nextInt(64) : (bytes[i - 2] * 5 + 1) % 64);
        }
        return bytes;
    }

    private record Resumed(long from, List<String> notices) {
    }

    private static Resumed resume(Path run) {
        try (RunEngine engine =
                Run.resume(run).option(Run.BACKEND, "scalar").option(Run.THREADS, 1).open()) {
            Resumed resumed = new Resumed(engine.trainer().step(), engine.plan().notices());
            engine.train(() -> false);
            return resumed;
        }
    }

    private static List<FileSum> result(Path run) throws IOException {
        List<FileSum> sums = new ArrayList<>();
        for (String name : RESULT) {
            sums.add(FileSum.of(run.resolve("checkpoints/step-000012").resolve(name)));
        }
        return sums;
    }

    // ---- damages

    /** Whole checkpoints that are lost, exchanged, renamed, or were being replaced when the program was killed. */
    private void folders() throws IOException {
        folder("swap the checkpoints", true, run -> {
            Files.move(run.resolve(NEWEST), run.resolve("x"));
            Files.move(run.resolve(OLDER), run.resolve(NEWEST));
            Files.move(run.resolve("x"), run.resolve(OLDER));
        });
        folder("the newest is a copy of the older one", true, run -> {
            FileTrees.delete(run.resolve(NEWEST));
            copyTree(run.resolve(OLDER), run.resolve(NEWEST));
        });
        folder("a copy with a later step", true,
                run -> copyTree(run.resolve(NEWEST), run.resolve("checkpoints/step-000010")));
        folder("lose the newest", false, run -> FileTrees.delete(run.resolve(NEWEST)));
        folder("lose the older", false, run -> FileTrees.delete(run.resolve(OLDER)));
        folder("killed with the only one aside", false, run -> {
            FileTrees.delete(run.resolve(OLDER));
            Files.move(run.resolve(NEWEST), run.resolve("checkpoints/.tmp-old-step-000008"));
        });
        folder("killed while deleting", false,
                run -> Files.createDirectory(run.resolve("checkpoints/.tmp-gone-step-000002")));
        folder("killed while saving", false, run -> {
            copyTree(run.resolve(NEWEST), run.resolve("checkpoints/.tmp-step-000010"));
            Files.delete(run.resolve("checkpoints/.tmp-step-000010/manifest.json"));
        });
    }

    private interface Change {
        void to(Path run) throws IOException;
    }

    private void folder(String kind, boolean guarded, Change change) throws IOException {
        Path run = copy(whole, "run");
        change.to(run);
        check(kind, guarded ? "checkpoints" : "a checkpoint", guarded, List.of("step-0000"), run);
    }

    /** {@code count} damages, each kind to each file in turn, at random places. */
    private void files(int count) throws IOException {
        List<String> files;
        try (Stream<Path> all = Files.walk(whole)) {
            files = all.filter(Files::isRegularFile).map(file -> whole.relativize(file).toString()).sorted().toList();
        }
        for (int i = 0; i < count; i++) {
            // The two lengths have no common divisor, or else the kinds shift after each round.
            String file = files.get(i % files.size());
            String kind = KINDS[(i + i / (files.size() * KINDS.length)) % KINDS.length];
            Path run = copy(whole, "run");
            List<String> named = damage(run, file, kind);
            if (!named.isEmpty()) {
                boolean newest = named.stream().anyMatch(f -> f.startsWith(NEWEST));
                check(kind, newest ? "newest checkpoint" : file.startsWith(OLDER) ? "older checkpoint" : file,
                        newest || file.equals("config.json"),
                        named.stream().map(f -> Path.of(f).getFileName().toString()).toList(), run);
            }
            if ((i + 1) % 100 == 0) {
                System.out.printf("%d of %d, %d wrong%n", i + 1, count, failures.size());
            }
        }
    }

    /** Returns the files that changed; none if the damage does not apply. */
    private List<String> damage(Path run, String file, String kind) throws IOException {
        Path path = run.resolve(file);
        byte[] bytes = Files.readAllBytes(path);
        String twin = file.startsWith(NEWEST) ? file.replace(NEWEST, OLDER) : file.replace(OLDER, NEWEST);
        String other = switch (kind) {
            case "that of the other checkpoint", "swap with the other checkpoint" -> twin;
            case "swap with another file" -> sibling(run, file);
            default -> file;
        };
        switch (kind) {
            case "delete" -> Files.delete(path);
            case "folder instead" -> {
                Files.delete(path);
                Files.createDirectory(path);
            }
            default -> {
                byte[] changed = other.equals(file) ? changed(bytes, kind) : Files.readAllBytes(run.resolve(other));
                if (Arrays.equals(bytes, changed)) {
                    return List.of();
                }
                Files.write(path, changed);
                if (kind.startsWith("swap")) {
                    Files.write(run.resolve(other), bytes);
                    return List.of(file, other);
                }
            }
        }
        return List.of(file);
    }

    private String sibling(Path run, String file) throws IOException {
        try (Stream<Path> all = Files.list(run.resolve(file).getParent())) {
            List<Path> files = all.filter(Files::isRegularFile).sorted().toList();
            return run.relativize(files.get(rng.nextInt(files.size()))).toString();
        }
    }

    private byte[] changed(byte[] bytes, String kind) {
        int n = bytes.length;
        int at = rng.nextInt(n);
        byte[] out = bytes.clone();
        switch (kind) {
            case "flip a bit" -> out[at] ^= (byte) (1 << rng.nextInt(8));
            case "flip 8 bits" -> {
                for (int i = 0; i < 8; i++) {
                    out[rng.nextInt(n)] ^= (byte) (1 << rng.nextInt(8));
                }
            }
            case "change a digit" -> {
                for (int i = 0; i < n; i++) {
                    int place = (at + i) % n;
                    if (Character.isDigit(out[place])) {
                        out[place] = (byte) ('0' + (out[place] - '0' + 1 + rng.nextInt(9)) % 10);
                        break;
                    }
                }
            }
            case "zero a page" -> Arrays.fill(out, at & -4096, Math.min(n, (at & -4096) + 4096), (byte) 0);
            case "cut off" -> out = Arrays.copyOf(bytes, at);
            case "empty" -> out = new byte[0];
            case "append" -> {
                out = Arrays.copyOf(bytes, n + 1 + rng.nextInt(100));
                Arrays.fill(out, n, out.length, (byte) rng.nextInt(256));
            }
            case "insert a byte" -> {
                out = Arrays.copyOf(bytes, n + 1);
                System.arraycopy(bytes, at, out, at + 1, n - at);
                out[at] = (byte) rng.nextInt(256);
            }
            case "repeat a piece" -> {
                int length = 1 + rng.nextInt(n - at);
                out = Arrays.copyOf(bytes, n + length);
                System.arraycopy(bytes, at, out, at + length, n - at);
            }
            default -> {
                // the other checkpoint has no such file, or it is the same one
            }
        }
        return out;
    }

    // ---- what happens then

    private void check(String kind, String where, boolean guarded, List<String> named, Path run) throws IOException {
        String what = kind + ", " + where + " " + named;
        String outcome;
        try {
            Gpt2 loaded = ModelFolder.load(run, backend);
            // The older checkpoint is the newest, if that is lost.
            if (Files.exists(run.resolve(NEWEST)) && guarded && !same(loaded)) {
                failures.add("scored silently: " + what);
            }
        } catch (UserError _) {
            // right: nothing is scored
        } catch (RuntimeException | Error e) {
            failures.add("unclean when scored: " + what + ": " + e);
        }
        try {
            Resumed resumed = resume(run);
            String notices = String.join("; ", resumed.notices());
            if (!expected.equals(result(run))) {
                failures.add("TRAINED ON SILENTLY: " + what + "; " + notices);
                outcome = "other bits";
            } else if (guarded && !where.equals("config.json") && named.stream().noneMatch(notices::contains)) {
                failures.add("no word: " + what + "; " + notices);
                outcome = "no word";
            } else {
                outcome = resumed.from() == 8 ? "same bits" : "same bits from the older checkpoint";
            }
        } catch (UserError e) {
            outcome = "refused";
            if (named.stream().noneMatch(e.getMessage()::contains)) {
                failures.add("does not name the file: " + what + ": " + e.getMessage());
            }
        } catch (RuntimeException | Error e) {
            outcome = "unclean";
            failures.add("unclean: " + what + ": " + e);
        }
        outcomes.merge(where + ": " + outcome, 1, Integer::sum);
    }

    private boolean same(Gpt2 loaded) {
        return model.parameters().entrySet().stream()
                .allMatch(p -> p.getValue().value().sameAs(loaded.parameters().get(p.getKey()).value()));
    }

    private Path copy(Path from, String name) throws IOException {
        Path to = work.resolve(name);
        FileTrees.delete(to);
        return copyTree(from, to);
    }

    private static Path copyTree(Path from, Path to) throws IOException {
        try (Stream<Path> files = Files.walk(from)) {
            for (Path file : files.toList()) {
                Files.copy(file, to.resolve(from.relativize(file).toString()));
            }
        }
        return to;
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench;

import com.google.gson.JsonObject;
import io.eslm.gpt2.collective.Address;
import io.eslm.gpt2.collective.Collective;
import io.eslm.gpt2.collective.Door;
import io.eslm.gpt2.collective.Floats;
import io.eslm.gpt2.collective.Rendezvous;
import io.eslm.gpt2.collective.Rendezvous.Member;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.io.FileErrors;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Callable;
import org.apache.commons.statistics.descriptive.Median;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Times the sum of numbers over several processes on this machine, as ranks of a training do it. */
@Command(name = "collective",
        description = "Times sums over several processes on this machine, as ranks of a training do them.",
        mixinStandardHelpOptions = true, showDefaultValues = true)
final class CollectiveBench implements Callable<Integer> {
    private static final int SMALL = 200;

    @Option(names = "--ranks", description = "processes")
    private int ranks = 2;
    @Option(names = "--mb", description = "millions of bytes that each rank has")
    private int megabytes = 500;
    @Option(names = "--rounds", description = "timed rounds, after two that are not; the median counts")
    private int rounds = 7;
    @Option(names = "--tcp", description = "over TCP, which ranks use between hosts, and not within this one")
    private boolean tcp;
    @Option(names = "--socket", description = "through Unix-domain sockets, and not through memory that ranks share")
    private boolean socket;
    @Option(names = "--rank", hidden = true, description = "of a process that this command started")
    private int rank;
    @Option(names = "--at", hidden = true, description = "where rank 0 is")
    private String at;
    @Option(names = "--secret", hidden = true, description = "of this job")
    private String secret = UUID.randomUUID().toString();
    @Mixin
    private BenchOptions common;

    /** Seconds. */
    private record Times(double[] sum, double[] gather, double small) {
    }

    @Override
    public Integer call() {
        UserError.check(ranks >= 1 && megabytes >= 1 && rounds >= 1, "--ranks, --mb and --rounds must be at least 1");
        if (at != null) {
            try (Collective others = Rendezvous.join(member(), Address.parse(at), _ -> {
            })) {
                work(others);
            }
            return 0;
        }
        try (Backend backend = common.open()) {
            BenchReport report = new BenchReport(backend, common.json());
            report.end(lead(report));
            return 0;
        }
    }

    private Member member() {
        return new Member(rank, ranks, secret.getBytes(StandardCharsets.UTF_8), "bench", Duration.ofSeconds(120));
    }

    private JsonObject lead(BenchReport report) {
        if (tcp) {
            System.setProperty(Door.NETWORK_ONLY, "true");
        }
        if (socket) {
            System.setProperty(Door.SOCKET_ONLY, "true");
        }
        List<Process> children = new ArrayList<>();
        try {
            Door door = Door.open(Address.parse("127.0.0.1:0"), true);
            String place = "127.0.0.1:" + door.port();
            for (int r = 1; r < ranks; r++) {
                children.add(child(r, place));
            }
            try (Collective others = ranks == 1 ? Collective.alone() : Rendezvous.host(member(), door, _ -> {
            })) {
                return figures(work(others), report);
            }
        } finally {
            children.forEach(Process::destroy);
        }
    }

    private Process child(int r, String place) {
        List<String> command =
                new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx" + (2L * megabytes + 200) + "m", "-XX:+UseSerialGC", "-D" + Door.NETWORK_ONLY + "=" + tcp,
                        "-D" + Door.SOCKET_ONLY + "=" + socket,
                        "-cp", System.getProperty("java.class.path"),
                        Main.class.getName(), "collective", "--ranks", "" + ranks, "--mb", "" + megabytes, "--rounds",
                        "" + rounds,
                        "--rank", "" + r, "--at", place, "--secret", secret));
        try {
            return new ProcessBuilder(command).redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .redirectError(ProcessBuilder.Redirect.INHERIT).start();
        } catch (IOException e) {
            throw FileErrors.failed("start", Path.of(command.getFirst()), e);
        }
    }

    private Times work(Collective all) {
        float[] numbers = new float[(int) Math.min(Integer.MAX_VALUE - 8, megabytes * 250_000L)];
        Arrays.fill(numbers, 1);
        long[] cuts = new long[ranks + 1];
        for (int r = 1; r <= ranks; r++) {
            cuts[r] = (long) numbers.length * r / ranks;
        }
        Floats whole = Floats.of(numbers);
        Floats own = new Floats() {
            @Override
            public long size() {
                return cuts[rank + 1] - cuts[rank];
            }

            @Override
            public void read(long from, float[] into, int n) {
                whole.read(cuts[rank] + from, into, n);
            }

            @Override
            public void write(long from, float[] values, int n) {
                whole.write(cuts[rank] + from, values, n);
            }
        };
        double[] sum = new double[rounds];
        double[] gather = new double[rounds];
        for (int i = -2; i < rounds; i++) {
            all.barrier();
            long begin = System.nanoTime();
            all.reduceScatter(whole, cuts, own, false);
            all.barrier();
            long middle = System.nanoTime();
            all.allGather(whole, cuts);
            all.barrier();
            if (i >= 0) {
                sum[i] = (middle - begin) * 1e-9;
                gather[i] = (System.nanoTime() - middle) * 1e-9;
            }
        }
        float expected = (float) Math.pow(ranks, rounds + 2);
        UserError.check(numbers[0] == expected && numbers[numbers.length - 1] == expected, "the sum is wrong: %s",
                numbers[0]);
        long begin = System.nanoTime();
        for (int i = 0; i < SMALL; i++) {
            all.barrier();
        }
        return new Times(sum, gather, (System.nanoTime() - begin) * 1e-9 / SMALL);
    }

    private JsonObject figures(Times times, BenchReport report) {
        double sum = Median.withDefaults().evaluate(times.sum);
        double gather = Median.withDefaults().evaluate(times.gather);
        double[] both = new double[rounds];
        Arrays.setAll(both, i -> times.sum[i] + times.gather[i]);
        double total = Median.withDefaults().evaluate(both);
        double sent = 2.0 * (ranks - 1) / ranks * megabytes * 1e6;
        JsonObject o = new JsonObject();
        o.addProperty("ranks", ranks);
        o.addProperty("megabytes", megabytes);
        o.addProperty("sum_scattered_s", sum);
        o.addProperty("gathered_s", gather);
        o.addProperty("all_reduce_s", total);
        o.addProperty("all_reduce_fastest_s", Arrays.stream(both).min().orElseThrow());
        o.addProperty("sent_gb_per_s_of_a_rank", sent / total * 1e-9);
        o.addProperty("small_exchange_us", times.small * 1e6);
        String way = tcp ? "TCP on loopback" : socket ? "Unix-domain sockets" : "shared memory";
        report.text("%d processes over %s, %d MB each%n", ranks, way, megabytes);
        report.lines(o);
        return o;
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.collective;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** A rank in a process of its own: comes, says so, and goes on with the others when it is told to. */
final class RankProcess {
    /** A system property: true to add up with the others. */
    static final String SUMS = "eslm.test.sums";

    private final Process process;
    private final BufferedReader said;

    private RankProcess(Process process) {
        this.process = process;
        said = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    }

    /** @param more for the JVM */
    static RankProcess start(int rank, int world, String where, Duration silence, String... more) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Xmx64m",
                "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", System.getProperty("java.class.path"),
                RankProcess.class.getName(), "" + rank, "" + world, where, "" + silence.toMillis()));
        command.addAll(1, List.of(more));
        return new RankProcess(new ProcessBuilder(command).redirectErrorStream(true).start());
    }

    static Rendezvous.Member member(int rank, int world, Duration silence) {
        Rendezvous.Member usual = RankThreads.member(rank, world);
        return new Rendezvous.Member(rank, world, usual.secret(), usual.program(), usual.timeout(), silence, null);
    }

    public static void main(String[] args) throws IOException {
        Rendezvous.Member me = member(Integer.parseInt(args[0]), Integer.parseInt(args[1]),
                Duration.ofMillis(Long.parseLong(args[3])));
        try (Collective ranks = Rendezvous.join(me, Address.parse(args[2]), _ -> {
        })) {
            ranks.barrier();
            System.out.println("here");
            if (Boolean.getBoolean(SUMS)) {
                sum(ranks);
            }
            System.in.read();
            ranks.barrier();
            System.out.println("done");
        }
    }

    /** What this rank has of the sum of what all have: number i of rank r is (r + 1)·(i mod 999). */
    static float[] sum(Collective ranks) {
        float[] mine = new float[600_000];
        for (int i = 0; i < mine.length; i++) {
            mine[i] = (ranks.rank() + 1) * (i % 999);
        }
        long[] cuts = new long[ranks.world() + 1];
        for (int r = 1; r <= ranks.world(); r++) {
            cuts[r] = (long) mine.length * r / ranks.world();
        }
        float[] own = new float[(int) (cuts[ranks.rank() + 1] - cuts[ranks.rank()])];
        ranks.reduceScatter(Floats.of(mine), cuts, Floats.of(own), false);
        return own;
    }

    /** The next line that it prints; null at its end. */
    String line() throws IOException {
        return said.readLine();
    }

    void goOn() throws IOException {
        process.getOutputStream().write('\n');
        process.getOutputStream().flush();
    }

    /** Stops all threads of the process, or lets them go on. */
    void signal(String name) throws Exception {
        new ProcessBuilder("kill", "-" + name, "" + process.pid()).start().waitFor();
    }

    void kill() {
        process.destroyForcibly();
    }
}

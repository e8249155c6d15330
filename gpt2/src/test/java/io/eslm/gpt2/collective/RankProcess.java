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
    private final Process process;
    private final BufferedReader said;

    private RankProcess(Process process) {
        this.process = process;
        said = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    }

    static RankProcess start(int rank, int world, String where, Duration silence) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Xmx64m",
                "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", System.getProperty("java.class.path"),
                RankProcess.class.getName(), "" + rank, "" + world, where, "" + silence.toMillis()));
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
            System.in.read();
            ranks.barrier();
            System.out.println("done");
        }
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

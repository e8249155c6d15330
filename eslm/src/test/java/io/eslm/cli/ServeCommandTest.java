// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The server as a process. */
class ServeCommandTest {
    private static final String MODEL = "src/test/resources/io/eslm/task/model";

    @TempDir
    private Path temp;

    /** As a service manager and Ctrl-C do it. */
    @Test
    void saysWhereItIsAndStopsWithSuccess() throws IOException, InterruptedException {
        assumeTrue(File.separatorChar == '/', "Windows has no signal that asks a process to end");
        List<String> command = new ArrayList<>(
                List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--add-modules=jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED", "-Xmx256m",
                        "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", System.getProperty("java.class.path"),
                        Main.class.getName(), "serve", "--model", MODEL, "--port", "0", "--verbose", "--cache-mb", "2",
                        "--backend", "scalar"));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        try (BufferedReader said = new BufferedReader(
                new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
                HttpClient http = HttpClient.newHttpClient()) {
            String all = "";
            String line = "";
            while (line != null && !line.startsWith("serving: ")) {
                line = said.readLine();
                all += line + "\n";
            }
            assertTrue(all.contains("model:   model, 14,016 parameters, context of 64 tokens\n"), all);
            assertTrue(all.contains("memory:  2 MB for the keys and values of all texts; up to 32 run at once"), all);
            assertTrue(all.contains("serving: http://127.0.0.1:"), all);
            URI address = URI.create(line.replaceAll("serving: (\\S+) .*", "$1/completions"));
            HttpResponse<String> answer = http.send(HttpRequest.newBuilder(address).header("X-Request-Id", "mine")
                    .POST(HttpRequest.BodyPublishers.ofString("{\"max_tokens\":1}"))
                    .build(), HttpResponse.BodyHandlers.ofString());
            assertEquals(200, answer.statusCode(), answer.body());
            process.toHandle().destroy(); // not Process.destroy, which closes its output
            assertTrue(process.waitFor(1, TimeUnit.MINUTES));
            String rest = String.join("\n", said.readAllLines());
            assertEquals(0, process.exitValue(), rest);
            assertTrue(
                    rest.matches(
                            "(?s)POST /v1/completions 200 \\d+\\.\\d+ s mine 0 \\+ 1 tokens\n(stopping .*\n)?stopped"),
                    rest);
        } finally {
            process.destroyForcibly();
        }
    }

    @Test
    void whatCannotBeServedIsSaid() {
        Program.Outcome open = Program.run("serve", "--model", MODEL, "--host", "0.0.0.0", "--port", "0");
        assertEquals(1, open.code());
        assertTrue(
                open.err().contains("error: --host 0.0.0.0: lets other machines use the model. Give an api key file"),
                open.err());
        Program.Outcome none = Program.run("serve", "--model", temp.toString());
        assertEquals(1, none.code());
        assertTrue(none.err().contains("contains no model"), none.err());
        Program.Outcome key =
                Program.run("serve", "--model", MODEL, "--port", "0", "--api-key-file", temp.resolve("no").toString());
        assertTrue(key.err().contains("error: --api-key-file cannot read " + temp.resolve("no") + ": no such file"),
                key.err());
    }
}

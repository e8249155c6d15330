// SPDX-License-Identifier: Apache-2.0

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Writes the commit of a folder to a file: 40 digits, with "-dirty" if tracked files have changed since, or "unknown" without
 * git or a repository of the folder's own. The build calls it: {@code java Commit.java FOLDER FILE}.
 */
final class Commit {
    private Commit() {
    }

    public static void main(String[] args) throws IOException, InterruptedException {
        Path folder = Path.of(args[0]);
        Path file = Path.of(args[1]);
        // A source archive unpacked within another repository is not of that repository's commit.
        boolean own = "".equals(git(folder, "rev-parse", "--show-prefix"));
        String commit = own ? git(folder, "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*") : null;
        Files.createDirectories(file.getParent());
        Files.writeString(file, (commit == null ? "unknown" : commit) + "\n");
    }

    /** What git prints; null if it fails or there is none. */
    private static String git(Path folder, String... words) throws InterruptedException {
        String[] command = new String[words.length + 3];
        command[0] = "git";
        command[1] = "-C";
        command[2] = folder.toString();
        System.arraycopy(words, 0, command, 3, words.length);
        try {
            Process process =
                    new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
            String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
            return process.waitFor() == 0 ? text : null;
        } catch (IOException _) {
            return null;
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/** Copies the texts of licences out of jars: {@code java Licences.java FOLDER-OF-JARS FOLDER}. */
final class Licences {
    private static final Pattern TEXT = Pattern.compile("(META-INF|.*/uplot/[^/]+)/(LICENSE|NOTICE)(\\.txt|\\.md)?");

    private Licences() {
    }

    public static void main(String[] args) throws IOException {
        Path target = Path.of(args[1]);
        List<Path> jars;
        try (var files = Files.list(Path.of(args[0]))) {
            jars = files.filter(file -> file.toString().endsWith(".jar")).toList();
        }
        for (Path jar : jars) {
            try (ZipFile zip = new ZipFile(jar.toFile())) {
                for (ZipEntry entry : zip.stream().filter(e -> TEXT.matcher(e.getName()).matches()).toList()) {
                    String name = jar.getFileName().toString().replaceFirst("\\.jar$", "") + "-"
                            + Path.of(entry.getName()).getFileName().toString().replaceFirst("\\..*", "") + ".txt";
                    try (InputStream in = zip.getInputStream(entry)) {
                        Files.write(target.resolve(name), in.readAllBytes());
                    }
                }
            }
        }
    }
}

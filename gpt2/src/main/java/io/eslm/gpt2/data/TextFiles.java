// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import io.eslm.tensor.io.FileErrors;
import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Lists the visible files of a folder, each once. A symbolic link counts under its own name, and only if it leads to something
 * that is not listed yet; so links in a circle end. A link out of the folder is followed only on request.
 */
final class TextFiles {
    /** A file; {@code name} is its path below the folder, with slashes. */
    record Named(String name, Path path) {
    }

    private final Path root;
    private final boolean followLinks;
    private final List<Named> files = new ArrayList<>();
    private final Deque<Named> links = new ArrayDeque<>();
    private final Set<Path> seen = new HashSet<>();
    private int hidden;
    private int special;
    private int outside;
    private int broken;
    private int again;

    private TextFiles(Path root, boolean followLinks) {
        this.root = root;
        this.followLinks = followLinks;
    }

    /** @param followLinks also where they lead out of the folder */
    static TextFiles below(Path folder, boolean followLinks) throws IOException {
        TextFiles found = new TextFiles(folder.toRealPath(), followLinks);
        found.walk(found.root, "");
        while (!found.links.isEmpty()) {
            found.follow(found.links.removeFirst());
        }
        found.files.sort(Comparator.comparing(Named::name));
        return found;
    }

    /** In the order of their names. */
    List<Named> files() {
        return files;
    }

    /** What is left out and why, each with a comma before it; empty if nothing is. */
    String leftOut() {
        return count(hidden, "hidden") + count(special, "that are pipes or devices")
                + count(outside, "links out of the folder, which prepare follows on request")
                + count(broken, "links that lead nowhere") + count(again, "links to what is read already");
    }

    private static String count(int n, String what) {
        return n == 0 ? "" : ", " + n + " " + what;
    }

    private void walk(Path folder, String prefix) throws IOException {
        List<Named> found = new ArrayList<>();
        Files.walkFileTree(folder, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path dir, BasicFileAttributes attributes) {
                if (!dir.equals(folder) && isHidden(dir)) {
                    hidden++;
                    return FileVisitResult.SKIP_SUBTREE;
                }
                return seen.add(dir) ? FileVisitResult.CONTINUE : FileVisitResult.SKIP_SUBTREE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                Named named = new Named(prefix + folder.relativize(file).toString().replace('\\', '/'), file);
                if (isHidden(file)) {
                    hidden++;
                } else if (attributes.isSymbolicLink()) {
                    found.add(named);
                } else if (!attributes.isRegularFile()) {
                    special++;
                } else if (seen.add(file)) {
                    files.add(named);
                }
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path file, IOException e) {
                throw FileErrors.failed("read", file, e);
            }
        });
        found.stream().sorted(Comparator.comparing(Named::name)).forEach(links::addLast);
    }

    private void follow(Named link) throws IOException {
        Path target;
        try {
            target = link.path.toRealPath();
        } catch (IOException _) {
            broken++; // or in a circle of its own
            return;
        }
        if (!followLinks && !target.startsWith(root)) {
            outside++;
        } else if (seen.contains(target)) {
            again++;
        } else if (Files.isDirectory(target)) {
            walk(target, link.name + "/");
        } else if (Files.isRegularFile(target)) {
            seen.add(target);
            files.add(new Named(link.name, target));
        } else {
            special++;
        }
    }

    private static boolean isHidden(Path path) {
        return path.getFileName().toString().startsWith(".");
    }
}

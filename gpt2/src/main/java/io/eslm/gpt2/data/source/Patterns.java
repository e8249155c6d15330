// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data.source;

import io.eslm.tensor.UserError;
import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.regex.PatternSyntaxException;

/** Finds the files that a pattern means: {@code *} within a name, {@code **} across folders, {@code ?}, {@code [ab]}, {@code {a,b}}. */
public final class Patterns {
    private Patterns() {
    }

    /**
     * The files, in the order of their names. Hidden ones are left out, and folders that a link leads to.
     *
     * @throws UserError if there is none
     */
    public static List<SourceFile> files(String pattern) throws IOException {
        String slashes = pattern.replace('\\', '/');
        int firstSign = slashes.split("[*?\\[{]", 2)[0].length();
        int slash = slashes.lastIndexOf('/', firstSign);
        Path root = Path.of(slash < 0 ? "" : slashes.substring(0, slash + 1));
        String rest = slashes.substring(slash + 1);
        if (!Files.isDirectory(root)) {
            throw new UserError("data " + pattern + ": there is no folder " + root + ".");
        }
        PathMatcher matcher = matcher(pattern, rest);
        int depth = rest.contains("**") ? Integer.MAX_VALUE : (int) rest.chars().filter(c -> c == '/').count() + 1;
        List<SourceFile> found = new ArrayList<>();
        Files.walkFileTree(root, Set.of(), depth, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path dir, BasicFileAttributes attributes) {
                return !dir.equals(root) && isHidden(dir) ? FileVisitResult.SKIP_SUBTREE : FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                Path below = root.toString().isEmpty() ? file : root.relativize(file);
                if (!isHidden(file) && matcher.matches(below) && Files.isRegularFile(file)) {
                    found.add(new SourceFile(file, below.toString().replace('\\', '/')));
                }
                return FileVisitResult.CONTINUE;
            }
        });
        if (found.isEmpty()) {
            throw new UserError("data " + pattern + ": no file has a name like that.");
        }
        found.sort(Comparator.comparing(SourceFile::name));
        return found;
    }

    private static PathMatcher matcher(String pattern, String rest) {
        try {
            return FileSystems.getDefault().getPathMatcher("glob:" + rest);
        } catch (PatternSyntaxException e) {
            throw new UserError("data " + pattern + ": is no pattern of files: " + e.getDescription() + '.', e);
        }
    }

    private static boolean isHidden(Path path) {
        return path.getFileName().toString().startsWith(".");
    }
}

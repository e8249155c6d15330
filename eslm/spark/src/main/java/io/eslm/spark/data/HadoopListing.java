// SPDX-License-Identifier: Apache-2.0
package io.eslm.spark.data;

import io.eslm.gpt2.data.DataSource;
import io.eslm.gpt2.data.DataSpec;
import io.eslm.gpt2.data.SourceFiles.Listing;
import io.eslm.gpt2.data.SourceFiles;
import io.eslm.gpt2.data.source.SourceFile;
import io.eslm.tensor.UserError;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.net.URI;
import java.nio.file.FileSystems;
import java.nio.file.PathMatcher;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.regex.PatternSyntaxException;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * The files that a source names, on any file system that Hadoop knows.
 *
 * @param listing their names and places; of their bytes, it knows where they are
 * @param uris where they are
 */
record HadoopListing(Listing listing, List<URI> uris) {
    /**
     * Lists the files of a source.
     *
     * @param followLinks of a folder of this machine, also where they lead out of it
     * @throws UserError if there are none
     */
    static HadoopListing of(DataSpec.Source source, boolean followLinks, Configuration conf) throws IOException {
        if (source.isAddress() || source.location().equals(DataSource.STDIN)
                || source.location().equals(DataSource.JDK)) {
            throw new UserError(
                    "data " + source.location() + ": a job on Spark reads files that all hosts see. Name some, "
                            + "or prepare this data without Spark");
        }
        Path path = path(source.location().split("[*?\\[{]", 2)[0]);
        try {
            FileSystem files = path.getFileSystem(conf);
            if (HadoopFile.isLocal(files.getUri())) {
                return local(source, followLinks);
            }
            List<Found> found = source.isPattern() ? matching(files, source.location())
                    : below(files, files.getFileStatus(path), source.location());
            List<SourceFile> all = found.stream().map(file -> file(file, conf)).toList();
            boolean folder = !source.isPattern() && files.getFileStatus(path).isDirectory();
            return new HadoopListing(folder ? new Listing(all, path.toString(), "") : Listing.named(all),
                    found.stream().map(file -> file.path.toUri()).toList());
        } catch (FileNotFoundException e) {
            throw new UserError("data " + source.location() + ": no such file or folder", e);
        }
    }

    private record Found(Path path, String name) {
    }

    private static Path path(String location) {
        try {
            return new Path(location.isEmpty() ? "." : location);
        } catch (IllegalArgumentException e) {
            throw new UserError("data " + location + ": is no path: " + e.getMessage(), e);
        }
    }

    private static HadoopListing local(DataSpec.Source source, boolean followLinks) throws IOException {
        String location = source.location().replaceFirst("^file:(//)?(?=/)", "");
        java.nio.file.Path path = java.nio.file.Path.of(location);
        if (!source.isPattern() && !java.nio.file.Files.exists(path)) {
            throw new FileNotFoundException(location);
        }
        Listing listing = SourceFiles.list(source.at(location), followLinks);
        List<URI> uris = new ArrayList<>();
        for (SourceFile file : listing.files()) {
            uris.add(file.bytes().local().toAbsolutePath().normalize().toUri());
        }
        return new HadoopListing(listing, uris);
    }

    private static SourceFile file(Found found, Configuration conf) {
        try {
            return new SourceFile(found.path.toString(), found.name, HadoopFile.of(found.path.toUri(), conf));
        } catch (IOException e) {
            throw new UserError("cannot reach " + found.path + ": " + e.getMessage(), e);
        }
    }

    private static List<Found> below(FileSystem files, FileStatus at, String location) throws IOException {
        List<Found> found = new ArrayList<>();
        if (at.isFile()) {
            return List.of(new Found(at.getPath(), at.getPath().getName()));
        }
        walk(files, at.getPath(), "", Integer.MAX_VALUE, found);
        if (found.isEmpty()) {
            throw new UserError("data " + location + ": the folder holds no files");
        }
        found.sort(Comparator.comparing(Found::name));
        return found;
    }

    /** Files in the order of their names, without hidden ones. */
    private static void walk(FileSystem files, Path folder, String prefix, int depth, List<Found> found)
            throws IOException {
        for (FileStatus status : files.listStatus(folder)) {
            String name = status.getPath().getName();
            if (name.startsWith(".")) {
                continue;
            }
            if (status.isFile()) {
                found.add(new Found(status.getPath(), prefix + name));
            } else if (status.isDirectory() && depth > 1) {
                walk(files, status.getPath(), prefix + name + '/', depth - 1, found);
            }
        }
    }

    private static List<Found> matching(FileSystem files, String pattern) throws IOException {
        int sign = pattern.split("[*?\\[{]", 2)[0].length();
        int slash = pattern.lastIndexOf('/', sign);
        Path root = path(pattern.substring(0, slash + 1));
        String rest = pattern.substring(slash + 1);
        PathMatcher matcher;
        try {
            matcher = FileSystems.getDefault().getPathMatcher("glob:" + rest);
        } catch (PatternSyntaxException e) {
            throw new UserError("data " + pattern + ": is no pattern of files: " + e.getDescription() + '.', e);
        }
        int depth = rest.contains("**") ? Integer.MAX_VALUE : (int) rest.chars().filter(c -> c == '/').count() + 1;
        List<Found> found = new ArrayList<>();
        walk(files, root, "", depth, found);
        found.removeIf(file -> !matcher.matches(java.nio.file.Path.of(file.name)));
        if (found.isEmpty()) {
            throw new UserError("data " + pattern + ": no file has a name like that.");
        }
        found.sort(Comparator.comparing(Found::name));
        return found;
    }
}

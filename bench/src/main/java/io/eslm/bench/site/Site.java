// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.site;

import com.google.gson.Gson;
import io.eslm.tensor.UserError;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/** The documentation as a folder of web pages that need no server and no network. */
final class Site {
    /** Says that a folder is a site, which the next build may replace. */
    private static final String MARK = ".eslm-site";

    /**
     * A thing to find.
     *
     * @param where the page, or the type, that it is part of
     * @param url relative to the site's root
     */
    record Entry(String title, String where, String url, String text) {}

    private Site() {
    }

    /**
     * Writes the pages of {@code root}'s Markdown and the Javadoc of {@code modules}, by name the folder of its sources.
     *
     * @return how many pages
     */
    static int build(Path root, Path out, Map<String, Path> modules) throws IOException {
        Docs docs = Docs.read(root); // before anything is removed: it finds the dead links
        clear(out);
        Path assets = Files.createDirectories(out.resolve("assets"));
        for (String file : List.of("bar.css", "page.css", "api.css", "api.js", "search.js")) {
            Files.writeString(assets.resolve(file), resource(file));
        }
        List<Entry> entries = new ArrayList<>(docs.write(out));
        entries.addAll(ApiDocs.write(out.resolve("api"), modules, assets));
        Files.writeString(out.resolve("search-index.js"), "searchIndex(" + new Gson().toJson(
                entries.stream().map(e -> List.of(e.title(), e.where(), e.url(), e.text())).toList()) + ");\n");
        try (var files = Files.walk(out)) {
            return (int) files.filter(f -> f.toString().endsWith(".html")).count();
        }
    }

    /** The line on top of every page; {@code root} is the way from there to the site's root, empty or ending in a slash. */
    static String bar(String root) {
        return resource("bar.html").strip().replace("{{root}}", root);
    }

    /** A file beside this class; style sheets begin with the colours of the program's own pages. */
    static String resource(String name) {
        String text = read(name);
        if (!name.equals("bar.css")) {
            return text;
        }
        String report = read("/io/eslm/report/report.css");
        return report.substring(0, report.indexOf('}') + 2) + text.substring(text.indexOf('\n') + 1);
    }

    private static String read(String name) {
        try (InputStream in = Site.class.getResourceAsStream(name)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void clear(Path out) throws IOException {
        if (Files.exists(out)) {
            if (!Files.isDirectory(out, LinkOption.NOFOLLOW_LINKS)) {
                throw new UserError(out + " is no folder: name one that is new, empty, or an earlier site");
            }
            List<Path> old;
            try (var files = Files.walk(out)) {
                old = files.sorted(Comparator.reverseOrder()).toList();
            }
            if (old.size() > 1 && !Files.exists(out.resolve(MARK))) {
                throw new UserError(out + " holds other files: name a folder that is new, empty, or an earlier site");
            }
            for (Path file : old) {
                Files.delete(file);
            }
        }
        Files.createDirectories(out);
        Files.createFile(out.resolve(MARK));
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.site;

import io.eslm.bench.site.Site.Entry;
import io.eslm.tensor.UserError;
import java.io.IOException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.commonmark.node.BulletList;
import org.commonmark.node.Heading;
import org.commonmark.node.Link;
import org.commonmark.node.Node;

/**
 * The README, the Markdown files of docs, and every file of the project that they link to. A page lies where its file lies, so
 * links change only in their ending. The lists of docs/README.md are the navigation.
 */
final class Docs {
    private static final String CONTENTS = "docs/README.md";
    private static final Pattern ELSEWHERE = Pattern.compile("[a-z]+:.*");
    private static final Pattern PICTURE = Pattern.compile(".*\\.(png|svg|jpg|gif)");

    private final Path root;
    /** In the order of the navigation, then as links reach them. */
    private final Map<String, Document> documents = new LinkedHashMap<>();
    /** Files that are no Markdown, and folders. */
    private final Set<String> others = new TreeSet<>();
    private final List<String> faults = new ArrayList<>();

    private Docs(Path root) {
        this.root = root;
    }

    /** A part of a link within the project: the file's path, and the anchor or an empty string. */
    private record Target(String path, String anchor) {}

    /** Reads all files and follows all links; a link to nowhere, or a page that {@code docs/README.md} lacks, is an error. */
    static Docs read(Path root) throws IOException {
        Docs docs = new Docs(root);
        docs.collect();
        docs.checkAnchors();
        docs.checkContents();
        if (!docs.faults.isEmpty()) {
            throw new UserError(String.join("\n", docs.faults));
        }
        return docs;
    }

    private void collect() throws IOException {
        Queue<String> queue = new ArrayDeque<>(List.of("README.md", CONTENTS));
        try (var files = Files.walk(root.resolve("docs"))) {
            files.map(f -> root.relativize(f).toString().replace('\\', '/')).filter(f -> f.endsWith(".md")).sorted()
                    .forEach(queue::add);
        }
        while (!queue.isEmpty()) {
            String path = queue.remove();
            if (documents.containsKey(path)) {
                continue;
            }
            Document document = Document.read(root, path);
            documents.put(path, document);
            for (Node link : document.links()) {
                String destination = Document.destination(link);
                if (ELSEWHERE.matcher(destination).matches()) {
                    continue;
                }
                String target = target(path, destination).path();
                if (target.startsWith("..") || !Files.exists(root.resolve(target))) {
                    faults.add(document.place(link) + ": the link " + destination + " leads to no file of the project");
                } else if (target.endsWith(".md")) {
                    queue.add(target);
                } else if (Files.exists(root.resolve(target).resolve("README.md"))) {
                    queue.add(target + "/README.md");
                } else {
                    others.add(target);
                }
            }
        }
    }

    private void checkAnchors() {
        for (Document document : documents.values()) {
            for (Node link : document.links()) {
                String destination = Document.destination(link);
                if (!ELSEWHERE.matcher(destination).matches()) {
                    Target target = target(document.path, destination);
                    Document other = documents.get(target.path());
                    if (other != null && !target.anchor().isEmpty() && !other.hasAnchor(target.anchor())) {
                        faults.add(document.place(link) + ": the link " + destination + " leads to no heading of "
                                + other.path);
                    }
                }
            }
        }
    }

    private void checkContents() {
        Document contents = documents.get(CONTENTS);
        Set<String> listed = contents.links().stream().map(link -> target(CONTENTS, Document.destination(link)).path())
                .collect(Collectors.toSet());
        documents.keySet().stream().filter(path -> path.matches("docs/(course/)?[^/]+") && !path.equals(CONTENTS))
                .filter(path -> !listed.contains(path))
                .forEach(path -> faults.add(path + ": " + CONTENTS + " does not list it; add a line there"));
    }

    private static Target target(String from, String destination) {
        String link = URLDecoder.decode(destination.replace("+", "%2B"), StandardCharsets.UTF_8);
        int hash = link.indexOf('#');
        String file = hash < 0 ? link : link.substring(0, hash);
        String path =
                file.isEmpty() ? from : Path.of(from).resolveSibling(file).normalize().toString().replace('\\', '/');
        return new Target(path, hash < 0 ? "" : link.substring(hash + 1));
    }

    /** The page of a file of the project, from the site's root. */
    private String url(String path) {
        if (Files.isDirectory(root.resolve(path))) {
            return documents.containsKey(path + "/README.md") ? url(path + "/README.md") : path + "/index.html";
        }
        if (path.endsWith(".md")) {
            return path.replaceFirst("(?<=^|/)README\\.md$", "index.md").replaceFirst("md$", "html");
        }
        return PICTURE.matcher(path).matches() ? path : path + ".html";
    }

    /** {@code url}, as the page {@code from} writes it; both from the site's root. */
    private static String relative(String from, String url) {
        Path folder = Path.of("/" + from).getParent();
        return folder.relativize(Path.of("/" + url)).toString().replace('\\', '/');
    }

    private String rewrite(String from, String destination) {
        if (ELSEWHERE.matcher(destination).matches() || destination.startsWith("#")) {
            return destination;
        }
        int hash = destination.indexOf('#');
        return relative(url(from), url(target(from, destination).path()))
                + (hash < 0 ? "" : destination.substring(hash));
    }

    /** Writes all pages. */
    List<Entry> write(Path out) throws IOException {
        List<Entry> entries = new ArrayList<>();
        for (Document document : documents.values()) {
            String url = url(document.path);
            for (Document.Section section : document.sections()) {
                boolean top = section.level() == 1;
                entries.add(new Entry(section.title(), top ? "" : document.title(),
                        top ? url : url + "#" + section.anchor(), section.text()));
            }
        }
        Map<String, String> bodies = new LinkedHashMap<>();
        Map<String, String> navigations = new LinkedHashMap<>();
        documents.keySet().forEach(path -> navigations.put(path, navigation(path)));
        for (String other : others) {
            navigations.put(other, navigation(other));
        }
        Map<String, String> titles = new LinkedHashMap<>();
        documents.values().forEach(d -> titles.put(d.path, d.title()));
        for (Document document : documents.values()) {
            bodies.put(document.path, document.html(destination -> rewrite(document.path, destination)));
        }
        for (String other : others) {
            Path file = root.resolve(other);
            if (PICTURE.matcher(other).matches()) {
                Path copy = out.resolve(other);
                Files.createDirectories(copy.getParent());
                Files.copy(file, copy);
            } else if (!Files.isDirectory(file)) {
                titles.put(other, file.getFileName().toString());
                bodies.put(other, source(other, Files.readString(file)));
            } else {
                titles.put(other, file.getFileName().toString());
                bodies.put(other, listing(other, titles));
            }
        }
        for (var body : bodies.entrySet()) {
            page(out, body.getKey(), titles.get(body.getKey()), navigations.get(body.getKey()), body.getValue());
        }
        return entries;
    }

    private void page(Path out, String path, String title, String navigation, String body) throws IOException {
        String url = url(path);
        String up = "../".repeat((int) url.chars().filter(c -> c == '/').count());
        Path file = out.resolve(url);
        Files.createDirectories(file.getParent());
        Files.writeString(file, Site.resource("page.html").replace("{{bar}}", Site.bar(up)).replace("{{root}}", up)
                .replace("{{title}}", escape(title)).replace("{{navigation}}", navigation).replace("{{body}}", body));
    }

    /** The lists of the contents, with the parts of the page {@code path} below its own line. */
    private String navigation(String path) {
        StringBuilder html = new StringBuilder();
        for (Node node : Document.children(documents.get(CONTENTS).root).toList()) {
            if (node instanceof Heading heading && heading.getLevel() == 2) {
                html.append("<h2>").append(escape(Document.text(heading))).append("</h2>\n");
            } else if (node instanceof BulletList list) {
                html.append("<ul>\n");
                Document.children(list).map(item -> (Link) item.getFirstChild().getFirstChild())
                        .forEach(link -> html.append(line(path, link)));
                html.append("</ul>\n");
            }
        }
        return html.toString();
    }

    private String line(String path, Link link) {
        String target = target(CONTENTS, link.getDestination()).path();
        String here = target.equals(path) ? " aria-current=\"page\"" : "";
        return "<li><a href=\"" + relative(url(path), url(target)) + "\"" + here + ">" + escape(Document.text(link))
                + "</a>" + (here.isEmpty() ? "" : parts(documents.get(path))) + "</li>\n";
    }

    private static String parts(Document document) {
        String parts = document.sections().stream().filter(s -> s.level() == 2)
                .map(s -> "<li><a href=\"#" + s.anchor() + "\">" + escape(s.title()) + "</a></li>")
                .collect(Collectors.joining());
        return parts.isEmpty() ? "" : "<ul>" + parts + "</ul>";
    }

    private static String source(String path, String text) {
        String code = path.endsWith(".java") ? JavaColours.of(escape(text)) : escape(text);
        List<String> lines = code.lines().toList();
        return "<h1 class=\"path\">" + escape(path) + "</h1>\n<pre class=\"source\"><code>"
                + IntStream.range(0, lines.size())
                        .mapToObj(i -> "<span id=\"L" + (i + 1) + "\">" + lines.get(i) + "</span>\n")
                        .collect(Collectors.joining())
                + "</code></pre>\n";
    }

    private String listing(String folder, Map<String, String> titles) {
        return "<h1>" + escape(folder.substring(folder.lastIndexOf('/') + 1)) + "</h1>\n<ul>\n"
                + documents.keySet().stream().filter(path -> path.startsWith(folder + "/"))
                        .map(path -> "<li><a href=\"" + relative(url(folder), url(path)) + "\">"
                                + escape(titles.get(path))
                                + "</a></li>\n")
                        .collect(Collectors.joining())
                + "</ul>\n";
    }

    private static String escape(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\"", "&quot;");
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.site;

import io.eslm.bench.site.Site.Entry;
import io.eslm.tensor.UserError;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.spi.ToolProvider;
import org.jsoup.Jsoup;
import org.jsoup.nodes.Document;
import org.jsoup.nodes.Element;

/** The Javadoc of all modules together, with the site's bar and colours in place of its own search. */
final class ApiDocs {
    /** Of records and enums; their text is the JDK's. */
    private static final Set<String> GENERATED =
            Set.of("equals(Object)", "hashCode()", "toString()", "values()", "valueOf(String)");
    private static final String CONSTRUCTOR = "Creates an instance of a ";
    /** What Javadoc's style sheet loads though, without an index and its own fonts, it is not there. */
    private static final Pattern ABSENT =
            Pattern.compile("@import url\\('fonts/[^;]*;|background-image: *url\\('(glass|x)\\.svg'\\);");

    private ApiDocs() {
    }

    /** Runs Javadoc on {@code modules}, by name the folder of their sources; {@code assets} holds the site's own files. */
    static List<Entry> write(Path out, Map<String, Path> modules, Path assets) throws IOException {
        ToolProvider javadoc = ToolProvider.findFirst("javadoc")
                .orElseThrow(() -> new UserError("this Java has no javadoc: set ESLM_JAVA_HOME to a whole JDK 25"));
        List<String> arguments = new ArrayList<>(List.of("-locale", "en", "-quiet", "-notimestamp", "--no-fonts",
                "-noindex", "-notree", "-nohelp", "-Xdoclint:none", "-XD-Xlint:-incubating", "-encoding", "UTF-8",
                "-windowtitle", "ESLM", "-top", Site.bar("{@docRoot}/../"), "--add-stylesheet",
                assets.resolve("bar.css").toString(), "--add-stylesheet", assets.resolve("api.css").toString(),
                "--add-script",
                assets.resolve("api.js").toString(), "--add-script",
                assets.resolve("search.js").toString(), "-d", out.toString(), "--module",
                String.join(",", modules.keySet())));
        modules.forEach((name, sources) -> arguments.addAll(List.of("--module-source-path", name + "=" + sources)));
        String libraries = System.getProperty("java.class.path");
        arguments.addAll(List.of("--module-path", libraries, "--class-path", libraries));
        StringWriter said = new StringWriter();
        if (javadoc.run(new PrintWriter(said), new PrintWriter(said), arguments.toArray(String[]::new)) != 0) {
            throw new UserError("Javadoc fails:\n" + said);
        }
        Path style = out.resolve("resource-files/stylesheet.css");
        Files.writeString(style, ABSENT.matcher(Files.readString(style)).replaceAll(""));
        List<Path> pages;
        try (var files = Files.walk(out)) {
            pages = files.filter(f -> f.toString().endsWith(".html")).sorted().toList();
        }
        List<Entry> entries = new ArrayList<>();
        for (Path page : pages) {
            Document document = Jsoup.parse(page);
            unlink(page, document);
            read(document, "api/" + out.relativize(page).toString().replace('\\', '/'), entries);
        }
        return entries;
    }

    /** Javadoc links each use of a type parameter to its description, even where there is none. */
    private static void unlink(Path file, Document page) throws IOException {
        boolean changed = false;
        for (Element link : page.select("a[href^=#type-param-]")) {
            if (page.getElementById(link.attr("href").substring(1)) == null) {
                link.unwrap();
                changed = true;
            }
        }
        if (changed) {
            page.outputSettings().prettyPrint(false);
            Files.writeString(file, page.outerHtml());
        }
    }

    private static void read(Document page, String url, List<Entry> entries) {
        Element about = page.selectFirst("#class-description, #package-description, #module-description");
        if (about == null || !page.body().className().endsWith("-declaration-page")) {
            return;
        }
        String title = page.body().hasClass("class-declaration-page") ? page.title().replace(" (ESLM)", "")
                : page.selectFirst("h1").text();
        String[] place = url.split("/");
        String where = page.body().hasClass("class-declaration-page")
                ? String.join(".", List.of(place).subList(2, place.length - 1))
                : "";
        entries.add(new Entry(title, where, url, text(about)));
        for (Element link : page.select("nav.toc ol ol a")) {
            String anchor =
                    URLDecoder.decode(link.attr("href").substring(1).replace("+", "%2B"), StandardCharsets.UTF_8);
            Element member = page.getElementById(anchor);
            if (member != null && !GENERATED.contains(link.text()) && !text(member).startsWith(CONSTRUCTOR)) {
                entries.add(new Entry(link.text(), where + "." + title, url + link.attr("href"), text(member)));
            }
        }
    }

    private static String text(Element part) {
        Element block = part.selectFirst(".block:not(:has(.description-from-type-label))");
        return block == null ? "" : block.text();
    }
}

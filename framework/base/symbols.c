/* symbols.c: the name of the function an address is in; also of a static one, which only the symbol table of its file has. */
#include <base/hold.h>

#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

enum { SECTIONS_MOST = 4096, TABLE_BYTES_MOST = 64 << 20 };

typedef struct { int descriptor; ElfW(Ehdr) header; ElfW(Shdr) *sections; } object;

/* `size` bytes at `offset`, new; NULL: they are not there, or too many. */
static void *read_part(int descriptor, uint64_t offset, uint64_t size)
{
    if (size == 0 || size > TABLE_BYTES_MOST || offset > INT64_MAX)
        return NULL;
    void *part = malloc((size_t)size + 1);
    if (part != NULL && pread(descriptor, part, (size_t)size, (off_t)offset) == (ssize_t)size) {
        ((char *)part)[size] = '\0';     /* a table of texts that is cut off ends here */
        return part;
    }
    free(part);
    return NULL;
}

static bool open_object(object *made, const char *path)
{
    *made = (object){ .descriptor = open(path, O_RDONLY | O_CLOEXEC) };
    if (made->descriptor < 0)
        return false;
    if (pread(made->descriptor, &made->header, sizeof made->header, 0) == (ssize_t)sizeof made->header &&
        memcmp(made->header.e_ident, ELFMAG, SELFMAG) == 0 && made->header.e_shentsize == sizeof *made->sections && made->header.e_shnum <= SECTIONS_MOST)
        made->sections = read_part(made->descriptor, made->header.e_shoff, made->header.e_shnum * sizeof *made->sections);
    if (made->sections == NULL)
        close(made->descriptor);
    return made->sections != NULL;
}

static bool search(const object *in, const ElfW(Shdr) *table, uintptr_t address, char *name, size_t size, uintptr_t *begin)
{
    bool found = false;
    if (table->sh_link >= in->header.e_shnum)
        return false;
    const ElfW(Shdr) *texts = &in->sections[table->sh_link];
    ElfW(Sym) *symbols = read_part(in->descriptor, table->sh_offset, table->sh_size);
    char *names = read_part(in->descriptor, texts->sh_offset, texts->sh_size);
    for (size_t i = 0; symbols != NULL && names != NULL && !found && i < table->sh_size / sizeof *symbols; i++) {
        const ElfW(Sym) *at = &symbols[i];
        found = (at->st_info & 0xf) == STT_FUNC && at->st_value <= address && address < at->st_value + at->st_size && at->st_name < texts->sh_size;
        if (found) {
            snprintf(name, size, "%s", names + at->st_name);
            *begin = at->st_value;
        }
    }
    free(symbols);
    free(names);
    return found;
}

static bool find_in_file(const char *path, uintptr_t base, uintptr_t address, char *name, size_t size, uintptr_t *begin)
{
    object in;
    bool found = false;
    if (!open_object(&in, path))
        return false;
    uintptr_t shift = in.header.e_type == ET_DYN ? base : 0;
    for (size_t i = 0; i < in.header.e_shnum && !found; i++)
        if (in.sections[i].sh_type == SHT_SYMTAB)
            found = search(&in, &in.sections[i], address - shift, name, size, begin);
    *begin += found ? shift : 0;
    free(in.sections);
    close(in.descriptor);
    return found;
}

/* The program's own file may have been started by a relative path, and replaced since. */
static bool is_program(const void *base)
{
    Dl_info own;
    return dladdr((const void *)(uintptr_t)getauxval(AT_PHDR), &own) != 0 && own.dli_fbase == base;
}

void polkai_frame_write(char *out, size_t size, const void *frame, bool innermost)
{
    Dl_info in;
    char name[128] = "?";
    uintptr_t at = (uintptr_t)frame, begin = at;
    const void *inside = (const void *)(at - !innermost);            /* a call that never returns may be the last of its function */
    if (at == 0 || dladdr(inside, &in) == 0 || in.dli_fname == NULL) {
        snprintf(out, size, "0x%zx", (size_t)at);
        return;
    }
    if (in.dli_sname != NULL && in.dli_saddr != NULL) {
        snprintf(name, sizeof name, "%s", in.dli_sname);
        begin = (uintptr_t)in.dli_saddr;
    } else {
        find_in_file(is_program(in.dli_fbase) ? "/proc/self/exe" : in.dli_fname, (uintptr_t)in.dli_fbase, (uintptr_t)inside, name, sizeof name, &begin);
    }
    const char *slash = strrchr(in.dli_fname, '/');
    snprintf(out, size, "%s+0x%zx (%s+0x%zx)", name, (size_t)(at - begin), slash != NULL ? slash + 1 : in.dli_fname, (size_t)(at - (uintptr_t)in.dli_fbase));
}

"""What there is in a database, each thing by its OID, with the SQL that makes and unmakes it.

A database that was copied from another has its OIDs, so what was renamed in between is still known
as the same thing. The server itself writes the definitions (pg_get_constraintdef and the like).
"""

from dataclasses import dataclass, replace
from typing import Final

from senior_backend.postgres.session import Session

_THINGS: Final = r"""
select 'schema', 'n:' || oid, '', 10, nspname, format('create schema %I', nspname),
       format('drop schema %I', nspname), format('alter schema %I rename to %%s', nspname)
from pg_namespace where oid >= 16384 and nspname !~ '^pg_'
union all
select 'extension', 'e:' || oid, '', 11, extname, format('create extension %I', extname),
       format('drop extension %I', extname), null
from pg_extension where oid >= 16384
union all
select 'enum', 't:' || t.oid, '', 20, t.typname,
       format('create type %s as enum (%s)', t.oid::regtype,
              (select string_agg(quote_literal(enumlabel), ', ' order by enumsortorder)
               from pg_enum where enumtypid = t.oid)),
       format('drop type %s', t.oid::regtype),
       format('alter type %s rename to %%s', t.oid::regtype)
from pg_type t where t.typtype = 'e' and t.oid >= 16384 and not {t_member}
union all
select 'composite type', 't:' || t.oid, '', 20, t.typname,
       format('create type %s as (%s)', t.oid::regtype,
              (select string_agg(format('%I %s', attname, format_type(atttypid, atttypmod)), ', '
                                 order by attnum)
               from pg_attribute where attrelid = t.typrelid and attnum > 0
               and not attisdropped)),
       format('drop type %s', t.oid::regtype),
       format('alter type %s rename to %%s', t.oid::regtype)
from pg_type t join pg_class c on c.oid = t.typrelid and c.relkind = 'c'
where t.oid >= 16384 and not {t_member}
union all
select 'domain', 't:' || t.oid, '', 21, t.typname,
       format('create domain %s as %s%s%s%s', t.oid::regtype,
              format_type(t.typbasetype, t.typtypmod),
              case when t.typcollation <> b.typcollation
                   then ' collate ' || t.typcollation::regcollation end,
              ' default ' || t.typdefault, case when t.typnotnull then ' not null' end),
       format('drop domain %s', t.oid::regtype),
       format('alter domain %s rename to %%s', t.oid::regtype)
from pg_type t join pg_type b on b.oid = t.typbasetype
where t.typtype = 'd' and t.oid >= 16384 and not {t_member}
union all
select 'constraint', 'k:' || k.oid, 't:' || contypid, 22, conname,
       format('alter domain %s add constraint %I %s', contypid::regtype, conname,
              pg_get_constraintdef(k.oid)),
       format('alter domain %s drop constraint %I', contypid::regtype, conname),
       format('alter domain %s rename constraint %I to %%s', contypid::regtype, conname)
from pg_constraint k where contypid <> 0 and contype = 'c' and k.oid >= 16384
union all
select 'sequence', 'r:' || c.oid,
       coalesce('a:' || d.refobjid || ':' || d.refobjsubid, ''), 25, c.relname,
       format('create sequence %s as %s increment %s minvalue %s maxvalue %s start %s cache %s%s',
              c.oid::regclass, format_type(s.seqtypid, null), s.seqincrement, s.seqmin, s.seqmax,
              s.seqstart, s.seqcache, case when s.seqcycle then ' cycle' end),
       format('drop sequence %s', c.oid::regclass),
       format('alter sequence %s rename to %%s', c.oid::regclass)
from pg_class c join pg_sequence s on s.seqrelid = c.oid
left join pg_depend d on d.classid = 'pg_class'::regclass and d.objid = c.oid
  and d.refclassid = 'pg_class'::regclass and d.deptype in ('a', 'i')
where c.oid >= 16384 and coalesce(d.deptype <> 'i', true) and not {c_member}
union all
select case prokind when 'p' then 'procedure' else 'function' end, 'f:' || p.oid, '', 30, proname,
       pg_get_functiondef(p.oid),
       format('drop %s %s', case prokind when 'p' then 'procedure' else 'function' end,
              p.oid::regprocedure),
       format('alter routine %s rename to %%s', p.oid::regprocedure)
from pg_proc p where p.oid >= 16384 and prokind in ('f', 'p', 'w') and not {p_member}
union all
select 'table', 'r:' || c.oid, '', 40, c.relname, null, format('drop table %s', c.oid::regclass),
       format('alter table %s rename to %%s', c.oid::regclass)
from pg_class c where c.oid >= 16384 and c.relkind in ('r', 'p', 'f') and not {c_member}
union all
select 'partition', 'h:' || c.oid, 'r:' || c.oid, 58, c.relname,
       format('alter table %s attach partition %s %s', i.inhparent::regclass, c.oid::regclass,
              pg_get_expr(c.relpartbound, c.oid)),
       format('alter table %s detach partition %s', i.inhparent::regclass, c.oid::regclass), null
from pg_class c join pg_inherits i on i.inhrelid = c.oid
where c.oid >= 16384 and c.relispartition and c.relkind in ('r', 'p')
union all
select 'inheritance', 'h:' || c.oid || ':' || i.inhparent, 'r:' || c.oid, 58, c.relname,
       format('alter table %s inherit %s', c.oid::regclass, i.inhparent::regclass),
       format('alter table %s no inherit %s', c.oid::regclass, i.inhparent::regclass), null
from pg_class c join pg_inherits i on i.inhrelid = c.oid
where c.oid >= 16384 and not c.relispartition and c.relkind = 'r'
union all
select 'constraint', 'k:' || k.oid, 'r:' || conrelid,
       case contype when 'f' then 62 else 60 end, conname,
       case when coninhcount = 0 and conparentid = 0 then
         format('alter table %s add constraint %I %s', conrelid::regclass, conname,
                pg_get_constraintdef(k.oid)) end,
       case when coninhcount = 0 and conparentid = 0 then
         format('alter table %s drop constraint %I', conrelid::regclass, conname) end,
       case when coninhcount = 0 and conparentid = 0 then
         format('alter table %s rename constraint %I to %%s', conrelid::regclass, conname) end
from pg_constraint k
where conrelid <> 0 and contype in ('c', 'f', 'p', 'u', 'x') and k.oid >= 16384
union all
select 'index', 'r:' || c.oid, 'r:' || i.indrelid, 65, c.relname,
       case when not c.relispartition then pg_get_indexdef(c.oid) end,
       case when not c.relispartition then format('drop index %s', c.oid::regclass) end,
       case when not c.relispartition then
         format('alter index %s rename to %%s', c.oid::regclass) end
from pg_index i join pg_class c on c.oid = i.indexrelid
where c.oid >= 16384
  and not exists (select 1 from pg_constraint k where k.conindid = c.oid
                  and k.contype in ('p', 'u', 'x') and k.conrelid = i.indrelid)
  and exists (select 1 from pg_class t where t.oid = i.indrelid and t.relkind in ('r', 'p', 'm'))
union all
select 'statistics', 's:' || s.oid, 'r:' || stxrelid, 66, stxname,
       pg_get_statisticsobjdef(s.oid),
       format('drop statistics %I.%I', stxnamespace::regnamespace, stxname), null
from pg_statistic_ext s where s.oid >= 16384
union all
select 'view', 'r:' || c.oid, '', 70, c.relname,
       format(e'create or replace view %s%s as\n%s', c.oid::regclass,
              ' with (' || array_to_string(c.reloptions, ', ') || ')',
              rtrim(pg_get_viewdef(c.oid), ';')),
       format('drop view %s', c.oid::regclass),
       format('alter view %s rename to %%s', c.oid::regclass)
from pg_class c where c.oid >= 16384 and c.relkind = 'v' and not {c_member}
union all
select 'materialized view', 'r:' || c.oid, '', 71, c.relname,
       format(e'create materialized view %s as\n%s', c.oid::regclass,
              rtrim(pg_get_viewdef(c.oid), ';')),
       format('drop materialized view %s', c.oid::regclass),
       format('alter materialized view %s rename to %%s', c.oid::regclass)
from pg_class c where c.oid >= 16384 and c.relkind = 'm' and not {c_member}
union all
select 'trigger', 'g:' || oid, 'r:' || tgrelid, 75, tgname, pg_get_triggerdef(oid, true),
       format('drop trigger %I on %s', tgname, tgrelid::regclass),
       format('alter trigger %I on %s rename to %%s', tgname, tgrelid::regclass)
from pg_trigger where oid >= 16384 and not tgisinternal and tgparentid = 0
union all
select 'rule', 'u:' || oid, 'r:' || ev_class, 74, rulename, rtrim(pg_get_ruledef(oid), ';'),
       format('drop rule %I on %s', rulename, ev_class::regclass), null
from pg_rewrite where oid >= 16384 and rulename <> '_RETURN'
union all
select 'policy', 'p:' || oid, 'r:' || polrelid, 76, polname,
       format('create policy %I on %s as %s for %s to %s%s%s', polname, polrelid::regclass,
              case when polpermissive then 'permissive' else 'restrictive' end,
              case polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update'
                          when 'd' then 'delete' else 'all' end,
              (select string_agg(case when role = 0 then 'public'
                                 else role::regrole::text end, ', ') from unnest(polroles) role),
              ' using (' || pg_get_expr(polqual, polrelid) || ')',
              ' with check (' || pg_get_expr(polwithcheck, polrelid) || ')'),
       format('drop policy %I on %s', polname, polrelid::regclass),
       format('alter policy %I on %s rename to %%s', polname, polrelid::regclass)
from pg_policy where oid >= 16384
union all
select 'column', 'a:' || a.attrelid || ':' || a.attnum, 'r:' || a.attrelid, 45, a.attname,
       case when a.attgenerated <> '' and a.attinhcount = 0 then
         format('alter table %s add column %I %s generated always as (%s) %s%s',
                a.attrelid::regclass, a.attname, format_type(a.atttypid, a.atttypmod),
                pg_get_expr(d.adbin, d.adrelid),
                case a.attgenerated when 's' then 'stored' else 'virtual' end,
                case when a.attnotnull then ' not null' end) end,
       case when a.attinhcount = 0 then
         format('alter table %s drop column %I', a.attrelid::regclass, a.attname) end,
       case when a.attinhcount = 0 then
         format('alter table %s rename column %I to %%s', a.attrelid::regclass, a.attname) end
{columns}
union all
select 'type', 'y:' || a.attrelid || ':' || a.attnum, 'a:' || a.attrelid || ':' || a.attnum, 46,
       format_type(a.atttypid, a.atttypmod),
       format('alter table %s alter column %I type %s%s', a.attrelid::regclass, a.attname,
              format_type(a.atttypid, a.atttypmod),
              case when a.attcollation <> 0 and a.attcollation <> t.typcollation
                   then ' collate ' || a.attcollation::regcollation
                   when a.attcollation <> 0 then '' end),
       null, null
{columns}
union all
select 'default', 'd:' || a.attrelid || ':' || a.attnum, 'a:' || a.attrelid || ':' || a.attnum, 47,
       '', format('alter table %s alter column %I set default %s', a.attrelid::regclass, a.attname,
              pg_get_expr(d.adbin, d.adrelid)),
       format('alter table %s alter column %I drop default', a.attrelid::regclass, a.attname), null
{columns} and d.oid is not null and a.attgenerated = ''
union all
select 'NOT NULL', 'l:' || a.attrelid || ':' || a.attnum, 'a:' || a.attrelid || ':' || a.attnum, 48,
       '', format('alter table %s alter column %I set not null', a.attrelid::regclass, a.attname),
       format('alter table %s alter column %I drop not null', a.attrelid::regclass, a.attname), null
{columns} and a.attnotnull
union all
select 'identity', 'i:' || a.attrelid || ':' || a.attnum, 'a:' || a.attrelid || ':' || a.attnum, 49,
       '', format('alter table %s alter column %I add generated %s as identity',
              a.attrelid::regclass, a.attname,
              case a.attidentity when 'a' then 'always' else 'by default' end),
       format('alter table %s alter column %I drop identity', a.attrelid::regclass, a.attname), null
{columns} and a.attidentity <> ''
union all
select 'storage', 'o:' || a.attrelid || ':' || a.attnum, 'a:' || a.attrelid || ':' || a.attnum, 50,
       '', format('alter table %s alter column %I set storage %s', a.attrelid::regclass, a.attname,
              case a.attstorage when 'p' then 'plain' when 'e' then 'external'
                                when 'm' then 'main' else 'extended' end), null, null
{columns}
union all
select 'statistics target', 'q:' || a.attrelid || ':' || a.attnum,
       'a:' || a.attrelid || ':' || a.attnum, 50, '',
       format('alter table %s alter column %I set statistics %s', a.attrelid::regclass, a.attname,
              coalesce(a.attstattarget, -1)), null, null
{columns}
union all
select 'row security', 'w:' || oid, 'r:' || oid, 55, '',
       format('alter table %s enable row level security', oid::regclass),
       format('alter table %s disable row level security', oid::regclass), null
from pg_class where oid >= 16384 and relrowsecurity
union all
select 'forced row security', 'W:' || oid, 'r:' || oid, 55, '',
       format('alter table %s force row level security', oid::regclass),
       format('alter table %s no force row level security', oid::regclass), null
from pg_class where oid >= 16384 and relforcerowsecurity
union all
select 'option', 'O:' || c.oid || ':' || split_part(o, '=', 1), 'r:' || c.oid, 56, '',
       format('alter %s %s set (%s)',
              case when relkind in ('i', 'I') then 'index' else 'table' end, c.oid::regclass, o),
       format('alter %s %s reset (%s)',
              case when relkind in ('i', 'I') then 'index' else 'table' end,
              c.oid::regclass, split_part(o, '=', 1)), null
from pg_class c, unnest(reloptions) o where c.oid >= 16384 and relkind in ('r', 'p', 'i', 'm')
union all
select 'persistence', 'P:' || oid, 'r:' || oid, 56, '',
       format('alter table %s set %s', oid::regclass,
              case relpersistence when 'u' then 'unlogged' else 'logged' end), null, null
from pg_class where oid >= 16384 and relkind = 'r' and relpersistence in ('u', 'p')
union all
select 'owner', 'S:' || oid, 'r:' || oid, 57, '',
       format('alter table %s owner to %s', oid::regclass, relowner::regrole), null, null
from pg_class where oid >= 16384 and relkind in ('r', 'p', 'v', 'm')
union all
select 'comment', 'c:' || classoid || ':' || objoid || ':' || objsubid,
       case classoid when 'pg_class'::regclass then
              case when objsubid > 0 then 'a:' || objoid || ':' || objsubid else 'r:' || objoid end
            when 'pg_namespace'::regclass then 'n:' || objoid
            when 'pg_proc'::regclass then 'f:' || objoid
            when 'pg_type'::regclass then 't:' || objoid
            when 'pg_constraint'::regclass then 'k:' || objoid
            when 'pg_trigger'::regclass then 'g:' || objoid
            when 'pg_policy'::regclass then 'p:' || objoid else '' end, 90, '',
       format('comment on %s is %L', spelled, description),
       format('comment on %s is null', spelled), null
from (select d.*, upper(case type when 'table column' then 'column' when 'view column' then 'column'
                        when 'table constraint' then 'constraint'
                        when 'domain constraint' then 'constraint' else type end) || ' ' ||
             case type when 'domain constraint'
                  then regexp_replace(identity, ' on ', ' on domain ')
                  else identity end as spelled
      from pg_description d, pg_identify_object(classoid, objoid, objsubid)
      where objoid >= 16384 and not exists (
        select 1 from pg_depend e where e.objid = d.objoid and e.deptype = 'e')) said
union all
select 'privilege', 'z:r:' || c.oid || ':' || grantee || ':' || privilege_type,
       'r:' || c.oid, 91, '',
       format('grant %s on %s to %s%s', privilege_type, c.oid::regclass,
              case grantee when 0 then 'public' else grantee::regrole::text end,
              case when is_grantable then ' with grant option' end),
       format('revoke %s on %s from %s', privilege_type, c.oid::regclass,
              case grantee when 0 then 'public' else grantee::regrole::text end), null
from pg_class c, aclexplode(relacl)
where c.oid >= 16384 and relkind in ('r', 'p', 'v', 'm') and grantee <> relowner
union all
select 'privilege', 'z:a:' || attrelid || ':' || attnum || ':' || grantee || ':' || privilege_type,
       'a:' || attrelid || ':' || attnum, 91, '',
       format('grant %s (%I) on %s to %s', privilege_type, attname, attrelid::regclass,
              case grantee when 0 then 'public' else grantee::regrole::text end),
       format('revoke %s (%I) on %s from %s', privilege_type, attname, attrelid::regclass,
              case grantee when 0 then 'public' else grantee::regrole::text end), null
from pg_attribute, aclexplode(attacl) where attrelid >= 16384 and attnum > 0
union all
select 'privilege', 'z:n:' || n.oid || ':' || grantee || ':' || privilege_type,
       'n:' || n.oid, 91, '',
       format('grant %s on schema %I to %s', privilege_type, nspname,
              case grantee when 0 then 'public' else grantee::regrole::text end),
       format('revoke %s on schema %I from %s', privilege_type, nspname,
              case grantee when 0 then 'public' else grantee::regrole::text end), null
from pg_namespace n, aclexplode(nspacl) where n.oid >= 16384 and grantee <> nspowner
union all
select 'privilege', 'z:f:' || p.oid || ':' || grantee || ':' || privilege_type,
       'f:' || p.oid, 91, '',
       format('grant %s on routine %s to %s', privilege_type, p.oid::regprocedure,
              case grantee when 0 then 'public' else grantee::regrole::text end),
       format('revoke %s on routine %s from %s', privilege_type, p.oid::regprocedure,
              case grantee when 0 then 'public' else grantee::regrole::text end), null
from pg_proc p, aclexplode(coalesce(proacl, acldefault('f', proowner)))
where p.oid >= 16384 and grantee <> proowner and not {p_member}
"""
_COLUMNS: Final = """
from pg_attribute a join pg_class c on c.oid = a.attrelid and c.relkind in ('r', 'p')
join pg_type t on t.oid = a.atttypid
left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
where a.attrelid >= 16384 and a.attnum > 0 and not a.attisdropped
"""


def _member(alias: str, table: str) -> str:
    return (  # names of the program's own
        f"exists (select 1 from pg_depend e where e.classid = '{table}'::regclass "  # noqa: S608
        f"and e.objid = {alias}.oid and e.deptype = 'e')"
    )


_QUERY: Final = _THINGS.format(
    columns=_COLUMNS,
    t_member=_member("t", "pg_type"),
    c_member=_member("c", "pg_class"),
    p_member=_member("p", "pg_proc"),
)


@dataclass(frozen=True, slots=True)
class Thing:
    """An object, or one property of it, which goes with the object ``parent``.

    ``make`` is None where its rows cannot be made again, ``unmake`` where it always has a value.
    ``rename`` has ``%s`` in the place of the new name.
    """

    kind: str
    key: str
    parent: str
    rank: int
    """Those of a higher rank need those of a lower one."""
    name: str
    make: str | None
    unmake: str | None
    rename: str | None


Inventory = dict[str, Thing]


def read(url: str) -> Inventory:
    """All there is in a database.

    Raises:
        NotRunError: it does not answer.
    """
    with Session(url) as session:
        session.execute("set search_path = public")
        rows = session.execute(_QUERY)
    things = {row[1]: Thing(*row) for row in rows}
    inherited = {t.key for t in things.values() if t.kind == "column" and t.unmake is None}
    return {
        key: replace(thing, make=None, unmake=None) if thing.parent in inherited else thing
        for key, thing in things.items()
    }

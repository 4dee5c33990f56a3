"""Your routes: template updates never touch this file.

A route that takes `caller: Annotated[Principal, requires("things:read")]` is authenticated, limited
and documented like the others. As the service grows, make a module for each resource here and
include its routes: `router.routes.extend(things.router.routes)`.
"""

from fastapi import APIRouter

from app.http.route import ApiRoute

router = APIRouter(prefix="/v1", route_class=ApiRoute)
